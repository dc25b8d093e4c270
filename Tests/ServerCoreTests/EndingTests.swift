import Domain
import ServerCore
import Storage
import Testing
import Wire

/// Large batches end a part at a time: others are served in between, and a restart in the middle goes on.
@Suite("The end of a batch in parts")
struct EndingTests {
    private func site(units: Int) throws -> TestSite {
        try TestSite(units: units, quorum: 1, checkEach: false) { $0.endingLook = 2 }
    }

    private func cancel(_ batch: BatchID, on site: TestSite) throws {
        _ = try site.store.transaction { tx in try site.core.cancel(batch, in: tx, now: site.now).get() }
    }

    private func open(_ batch: BatchID, on site: TestSite) throws -> Int64 {
        try site.store.transaction { try $0.counts(of: batch).open }
    }

    @Test(
        "A cancelled batch: two units a tick, none of it sent, what comes in between counts", arguments: [false, true])
    func cancelled(restarts: Bool) throws {
        let site = try site(units: 9)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(2)
        let held = ada.held
        #expect(held.count == 2)
        try cancel(batch, on: site)
        #expect(try open(batch, on: site) == 9)
        // Between the end of the batch and that of its units a result is as good as before.
        #expect(try ada.deliver().allSatisfy { $0.status == .receiptAccepted })
        var ticks = 0
        while try open(batch, on: site) > 0, ticks < 100 {
            let before = try open(batch, on: site)
            for job in try site.tick() { try site.run(job) }
            ticks += 1
            #expect(try before - open(batch, on: site) <= 4, "two units end, and two may be validated")
            try ada.fetch(8)
            #expect(ada.held.isEmpty, "nothing of a batch that has ended is sent")
            // Goes on from the first unit.
            if restarts, ticks == 2 { site.restart() }
        }
        #expect(ticks > 3)
        let counts = try site.store.transaction { try $0.counts(of: batch) }
        #expect(counts.cancelled + counts.validated == 9 && counts.validated <= 2)
        #expect(try site.store.transaction { try $0.batch(batch)?.state } == .cancelled)
        #expect(try site.tick().isEmpty)
        try site.expectSoundStore()
    }

    @Test("The next batch is served while the one before it is being ended")
    func next() throws {
        let site = try site(units: 9)
        let first = try site.submit()
        try site.work()
        let second = try site.submit()
        try site.work()
        try cancel(first, on: site)
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(5)
        #expect(ada.held.count == 5)
        #expect(try site.store.transaction { try $0.counts(of: first).tasksOut } == 0)
        #expect(try site.store.transaction { try $0.counts(of: second).tasksOut } == 5)
        // Who has had a task of each unit is not told that others wait when all that waits has ended.
        try cancel(second, on: site)
        let reply = try ada.call(ada.request(want: 1)).get()
        #expect(!reply.noWorkReasons.contains { $0.contains("has had a task") }, "\(reply.noWorkReasons)")
    }

    @Test("An answer: its units are marked a part at a time, and a restart in between puts it together again")
    func assembled() throws {
        let site = try site(units: 9)
        let batch = try site.submit()
        let ada = try TestVolunteer(site, "Ada")
        var job: ServerJob?
        for _ in 0..<100 where job == nil {
            for next in try site.tick() {
                if case .assemble = next.key { job = next } else { try site.run(next) }
            }
            try ada.fetch(4)
            try ada.deliver()
        }
        let assemble = try #require(job)
        var reply = WireWorkerReply()
        reply.assemble.files = ["answer.csv"]
        let event = try site.core.event(assemble, .reply(reply), board: site.board, now: site.now)
        var rest: JobEvent? = event
        for _ in 0..<2 {
            let part = try #require(rest)
            rest = try site.store.transaction { tx in try site.core.commit(part, in: tx, now: site.now) }
        }
        #expect(rest != nil)
        #expect(try site.store.transaction { try $0.counts(of: batch) }.assembled == 4)
        #expect(try site.status(batch).state == "assembling")
        try site.expectSoundStore()
        site.restart()
        #expect(try site.work() == 1)
        #expect(try site.store.transaction { try $0.counts(of: batch) }.assembled == 9)
        #expect(try site.status(batch).state == "finished")
        try site.expectSoundStore()
    }
}
