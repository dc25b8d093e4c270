import Domain
import ServerCore
import Storage
import Testing
import Wire

@Suite("Looking through the queue")
struct QueueWalkTests {
    @Test("Tasks that no host of this kind can do keep nobody from those behind them")
    func passesOver() throws {
        let site = try TestSite(units: 30, quorum: 1, checkEach: false) {
            ($0.candidatesFirst, $0.candidatesMax, $0.placesMax) = (4, 8, 0)
        }
        let (first, second) = (try site.submit(), try site.submit())
        try site.store.transaction { tx in
            var batch = try #require(try tx.batch(first))
            (batch.splitFinished, batch.workUnitCount) = (true, 30)
            try tx.updateBatch(batch)
        }
        try site.work()
        // The first batch is like the second, for machines that nobody has.
        try site.store.transaction { tx in
            let units = try tx.workUnits(of: second, fromIndex: 0, limit: 100).map { aggregate in
                var aggregate = aggregate
                aggregate.unit.id = WorkUnitID(batch: first, index: aggregate.unit.id.index)
                aggregate.unit.memoryBytes = 1 << 50
                aggregate.tasks = [TaskRecord(id: TaskID(unit: aggregate.unit.id, ordinal: 0), state: .unsent)]
                return aggregate
            }
            try tx.insertWorkUnits(units)
        }
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(2)
        #expect(ada.held.count == 2)
        #expect(try site.store.transaction { try $0.counts(of: second).tasksOut } == 2)
    }

    @Test("Where much waits, places are drawn near the head of the queue", arguments: [(10, true), (16_384, false)])
    func window(among: Int, isNear: Bool) throws {
        let site = try TestSite(units: 200, quorum: 1, checkEach: false) {
            ($0.placesAmong, $0.splitDrafts) = (among, 200)
        }
        let batch = try site.submit()
        try site.work()
        for name in ["Ada", "Bob", "Cyd", "Dan", "Eve"] {
            try TestVolunteer(site, name).fetch(2)
        }
        let given = try site.store.transaction { tx in
            try tx.workUnits(of: batch, fromIndex: 0, limit: 200).filter { $0.unit.state == .active }
                .map(\.unit.id.index)
        }
        #expect(given.count == 10)
        // A place, and one of the sixteen behind it; what was given before moves both on.
        #expect((given.max() ?? 0) < 10 + 16 + 10 ? isNear : !isNear, "\(given)")
        #expect(given != Array(0..<10), "and not in order")
    }
}
