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
        let first = try site.submit()
        try site.work()
        try site.store.transaction { tx in
            for var aggregate in try tx.workUnits(of: first, fromIndex: 0, limit: 100) {
                aggregate.unit.memoryBytes = 1 << 50
                try tx.saveWorkUnit(aggregate)
            }
        }
        let ada = try TestVolunteer(site, "Ada")
        let none = try ada.call(ada.request(want: 2)).get()
        #expect(none.tasks.isEmpty && none.noWorkReasons.contains { $0.contains("memory") }, "\(none.noWorkReasons)")
        let second = try site.submit()
        try site.work()
        try ada.fetch(2)
        #expect(ada.held.count == 2)
        #expect(try site.store.transaction { try $0.counts(of: second).tasksOut } == 2)
    }
}
