import Domain
import Engine
import ServerCore
import Storage
import Testing
import Wire

@Suite("Tasks that wait")
struct WaitingTests {
    @Test("A unit to which nobody else comes ends at last, and the batch says so")
    func abandoned() throws {
        let site = try TestSite(units: 150) { $0.splitDrafts = 100 }
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        while try ada.call(ada.request(want: 64)).get().tasks.isEmpty == false {
            try ada.fetch()
            try ada.deliver()
        }
        try site.work()
        #expect(try site.status(batch).unitsActive == 150)
        site.wait(29 * 86_400)
        try site.work()
        #expect(try site.status(batch).state == "running")
        site.wait(2 * 86_400)
        for _ in 0..<200 where try site.status(batch).state == "running" {
            try site.work()
            site.wait(1)
        }
        let status = try site.status(batch)
        #expect(status.state == "failed" && status.reason.contains("150 of 150"))
        let rows = try site.validation(batch).units[149].tasks.filter { $0.state == "inconclusive" }
        #expect(rows.count == 1 && rows[0].reason.contains("no further volunteer came"))
        try site.expectSoundStore()
    }

    @Test("Units that nobody has begun wait for their turn, however long")
    func untouched() throws {
        let site = try TestSite(units: 3)
        let batch = try site.submit()
        try site.work()
        site.wait(400 * 86_400)
        try site.work()
        #expect(try site.status(batch).unitsReady == 3)
    }

    @Test("A volunteer who has had all that waits is told so, and not that nothing waits")
    func trueReason() throws {
        let site = try TestSite(units: 2)
        let ada = try TestVolunteer(site, "Ada")
        #expect(try ada.call(ada.request(want: 1)).get().noWorkReasons == ["no task is waiting to be computed"])
        _ = try site.submit()
        try site.work()
        try ada.fetch()
        try ada.deliver()
        let reasons = try ada.call(ada.request(want: 1)).get().noWorkReasons
        #expect(reasons.count == 1 && reasons[0].hasPrefix("tasks wait, but this volunteer"))
        let grace = try TestVolunteer(site, "Grace")
        try grace.fetch()
        #expect(try ada.call(ada.request(want: 1)).get().noWorkReasons == ["no task is waiting to be computed"])
    }

    @Test("A task goes only to a worker with the very version of its app; old rows name none and take any")
    func versions() throws {
        let site = try TestSite(units: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        var request = ada.request(want: 1)
        request.apps = ["sample-app/2", "sample-app/11"]
        let none = try ada.call(request).get()
        #expect(none.tasks.isEmpty)
        #expect(none.noWorkReasons.contains { $0.contains("sample-app/1") }, "\(none.noWorkReasons)")
        try site.store.transaction { tx in
            var unit = try #require(try tx.workUnit(WorkUnitID(batch: batch, index: 0))).unit
            #expect(unit.app == "sample-app/1")
            unit.id = WorkUnitID(batch: batch, index: 1)
            unit.app = "sample-app"
            try tx.insertWorkUnits([WorkUnitMachine.create(unit)])
        }
        #expect(try ada.call(request).get().tasks.count == 1)
    }

    @Test("Hosts without the app cost the unit nothing")
    func unknownApp() throws {
        let site = try TestSite(units: 1, quorum: 1)
        let batch = try site.submit()
        try site.work()
        for number in 0..<5 {
            let host = try TestVolunteer(site, "V\(number)")
            try host.fetch()
            var report = host.report(try #require(host.held.first))
            report.failure.code = UInt32(TaskErrorCode.unknownApp.rawValue)
            _ = try host.call(host.request(reports: [report])).get()
        }
        #expect(try site.status(batch).unitsActive == 1)
    }
}
