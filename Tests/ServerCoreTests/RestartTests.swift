import Bytes
import Domain
import ServerCore
import Storage
import Testing
import Wire

@Suite("Restarts and faults")
struct RestartTests {
    @Test("A restart after every single job gives the same answer", arguments: [1, 2, 3, 5])
    func restartEverywhere(every: Int) throws {
        let site = try TestSite(units: 6)
        let batch = try site.submit()
        let volunteers = try (0..<3).map { try TestVolunteer(site, "V\($0)") }
        var done = 0
        for _ in 0..<200 where try site.status(batch).state != "finished" {
            for job in try site.tick() {
                done += 1
                // The process dies with the job in flight: its reply is lost, the next tick asks again.
                if done % (every + 1) == 0 {
                    site.restart()
                    break
                }
                try site.run(job)
            }
            for volunteer in volunteers {
                try volunteer.fetch(2)
                try volunteer.deliver()
            }
        }
        #expect(try site.status(batch).state == "finished")
        #expect(site.assembled[batch] == (Int64(0)..<6).map { "true \(WorkUnitID(batch: batch, index: $0))" })
        try site.expectSoundStore()
    }

    @Test("Transactions that fail, or only seem to, change nothing in the answer", arguments: 0..<12)
    func faultyStore(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var fates = (0..<4000).map { _ in
            CallFate(applied: random.nextUnit() > 0.1, reported: random.nextUnit() < 0.15)
        }
        // A disk that says yes and means no is beyond what any server can repair.
        for at in fates.indices where !fates[at].applied { fates[at].reported = true }
        let script = fates
        let store = FaultyStore(MemoryStore()) { script[$0 % script.count] }
        let site = try TestSite(store: store, units: 5)
        let batch = try retrying { try site.submit() }
        let volunteers = try (0..<3).map { number in try retrying { try TestVolunteer(site, "V\(number)") } }
        for _ in 0..<400 {
            if try retrying({ try site.status(batch).state }) == "finished" { break }
            do {
                for job in try site.tick() { try site.run(job) }
            } catch is StoreError {
                site.restart()
            }
            for volunteer in volunteers {
                do {
                    try volunteer.fetch(2)
                    try volunteer.deliver()
                } catch is StoreError {}
            }
        }
        let batches = try retrying { try site.store.transaction { try $0.batches() } }
        for record in batches where record.id == batch { #expect(record.state == .finished) }
        try retrying { try site.expectSoundStore() }
    }

    private func retrying<T>(_ body: () throws -> T) throws -> T {
        for _ in 0..<200 {
            do { return try body() } catch is StoreError {}
        }
        throw StoreError.io("never")
    }

    @Test("A result that brings the checker down twice is malformed; a worker that is not there says nothing")
    func crashingCheck() throws {
        let site = try TestSite(units: 1, quorum: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch()
        try ada.deliver()
        site.workerFault = { _ in Fault(.osError, "no memory") }
        for _ in 0..<5 {
            try site.work()
            site.wait(100)
        }
        #expect(try site.validation(batch).units[0].tasks[0].state == "reported")
        site.workerFault = { _ in Fault(.software, "signal 11") }
        try site.work()
        site.wait(100)
        try site.work()
        let row = try site.validation(batch).units[0].tasks[0]
        #expect(row.state == "invalid" && row.reason.contains("signal 11"))
    }

    @Test("A failed job waits before it is tried again, longer each time")
    func retryPace() throws {
        let site = try TestSite(units: 1)
        _ = try site.submit()
        site.workerFault = { _ in Fault(.osError, "no memory") }
        #expect(try site.work() == 1)
        #expect(try site.work() == 0)
        site.wait(1)
        #expect(try site.work() == 1)
        site.wait(1)
        #expect(try site.work() == 0)
        site.wait(1)
        #expect(try site.work() == 1)
        site.workerFault = { _ in nil }
        site.wait(60)
        #expect(try site.work() >= 1)
    }

    @Test("A job that runs is not asked for again, and an event that comes twice counts once")
    func jobsOnce() throws {
        let site = try TestSite(units: 7)
        let batch = try site.submit()
        let ada = try TestVolunteer(site, "Ada")
        let grace = try TestVolunteer(site, "Grace")
        for _ in 0..<40 where try site.status(batch).state != "finished" {
            let jobs = try site.tick()
            #expect(try site.tick().isEmpty, "what runs is asked for once")
            for job in jobs { try site.run(job, times: 2) }
            for volunteer in [ada, grace] {
                try volunteer.fetch(3)
                try volunteer.deliver()
            }
        }
        #expect(try site.status(batch).state == "finished")
        #expect(try site.status(batch).unitsTotal == 7)
        #expect(try site.credit().ledgerEntries == 14)
        try site.expectSoundStore()
    }

    @Test("A splitter that crashes again and again fails its batch")
    func crashingSplit() throws {
        let site = try TestSite()
        let batch = try site.submit()
        site.workerFault = { _ in Fault(.software, "signal 6") }
        try site.work()
        site.wait(100)
        try site.work()
        let status = try site.status(batch)
        #expect(status.state == "failed" && status.reason.contains("signal 6"))
        #expect(try site.work() == 0)
    }
}
