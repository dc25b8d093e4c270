import Domain
import ServerCore
import Storage
import Testing
import Wire

@Suite("The server's own faults")
struct OwnFaultTests {
    private func isValidation(_ key: JobKey) -> Bool {
        switch key {
        case .check, .compare: true
        case .split, .assemble: false
        }
    }

    @Test(
        "A file that the server cannot read is never a verdict on a volunteer, and the work goes on when it can",
        arguments: [
            FaultKind.badData, .noInput, .software, .osError, .interrupted, .protocolError, .configuration,
        ])
    func unreadable(kind: FaultKind) throws {
        let site = try TestSite(units: 2)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        for volunteer in volunteers {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        for failing in ["check", "compare"] {
            site.workerFailure = { "\($0)".hasPrefix(failing) ? kind : nil }
            for _ in 0..<15 {
                try site.work()
                site.wait(100)
            }
            let rows = try site.validation(batch).units.flatMap(\.tasks)
            #expect(rows.map(\.state) == ["reported", "reported", "reported", "reported"])
        }
        site.workerFailure = { _ in nil }
        try site.work()
        #expect(try site.status(batch).state == "finished")
        #expect(try site.credit().hosts.allSatisfy { $0.valid == 2 && $0.invalid == 0 && $0.errors == 0 })
        try site.expectSoundStore()
    }

    @Test("Time-outs are no crashes: it takes far more of them to refuse a result")
    func timeOuts() throws {
        let site = try TestSite(units: 1, quorum: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch()
        try ada.deliver()
        site.workerFault = { _ in Fault(.interrupted, "did not answer in time") }
        for round in 1...10 {
            #expect(try site.validation(batch).units[0].tasks[0].state == "reported", "after \(round - 1) time-outs")
            try site.work()
            site.wait(100)
        }
        let row = try site.validation(batch).units[0].tasks[0]
        #expect(row.state == "invalid" && row.reason.contains("in time"))
    }

    @Test("An answer that takes too long to put together is tried again; what was computed is not given up")
    func slowAssembly() throws {
        let site = try TestSite(units: 1, quorum: 1)
        let batch = try site.submit()
        site.workerFault = { key in
            if case .assemble = key { Fault(.interrupted, "did not answer in time") } else { nil }
        }
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch()
        try ada.deliver()
        for _ in 0..<15 {
            try site.work()
            site.wait(100)
        }
        #expect(try site.status(batch).state == "assembling")
        site.workerFault = { _ in nil }
        try site.work()
        #expect(try site.status(batch).state == "finished")
    }

    @Test("Units whose check fails without end do not hide those behind them")
    func noHiding() throws {
        let site = try TestSite(units: 9, quorum: 1) {
            $0.validationLook = 2
            $0.retriesAtOnce = 1
        }
        let broken = try site.submit()
        let good = try site.submit()
        site.workerFailure = { key in
            if case .check(let task) = key, task.unit.batch == broken { .noInput } else { nil }
        }
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        for _ in 0..<4 {
            try ada.fetch()
            try ada.deliver()
        }
        try site.work()
        #expect(try site.status(good).state == "finished")
        #expect(try site.status(broken).state == "running")
        // All nine may be tried again now; one at a time, so that they do not take every worker.
        site.wait(1000)
        #expect(try site.tick().count == 1)
        site.restart()
        site.workerFailure = { _ in nil }
        try site.work()
        #expect(try site.status(broken).state == "finished")
    }

    @Test("All units that wait for the validator are counted, however few a tick looks at")
    func allAreCounted() throws {
        let site = try TestSite(units: 9, quorum: 1) { $0.validationLook = 2 }
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        for _ in 0..<4 {
            try ada.fetch()
            try ada.deliver()
        }
        let waiting = try site.store.transaction { try $0.unitsAwaitingValidation(limit: 99).count }
        let report = try site.store.transaction { try site.core.tick(site.board, in: $0, now: site.now) }
        #expect(waiting > 2 && report.awaitingValidation == waiting)
        #expect(report.jobs.count == 2)
    }

    @Test(
        "A manifest that was accepted and cannot be read now is trouble, and not the end of its batch",
        arguments: [FaultKind.badData, .configuration, .noInput])
    func lostManifest(kind: FaultKind) throws {
        let site = try TestSite(units: 3, quorum: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch()
        site.manifestFault.set(Fault(kind, "the app is not known"))
        #expect(try site.tick().isEmpty)
        try ada.deliver()
        #expect(try site.tick().isEmpty)
        // Once for the batch and once for the first of its units, not once for each.
        #expect(site.troubles.count == 2 && site.troubles.allSatisfy { $0.contains("not known") })
        #expect(try site.status(batch).state == "running")
        #expect(try site.status(batch).unitsCancelled == 0)
        site.manifestFault.set(nil)
        try site.work()
        #expect(try site.status(batch).state == "finished")
        #expect(try site.credit().hosts.map(\.valid) == [3])
    }

    @Test("Without its manifest no second task of a batch is given out, and every call is answered")
    func lostManifestAtScheduling() throws {
        let site = try TestSite(units: 3)
        let batch = try site.submit()
        try site.work()
        let volunteers = try ["Ada", "Grace"].map { try TestVolunteer(site, $0) }
        try volunteers[0].fetch()
        site.manifestFault.set(Fault(.noInput, "the app is not known"))
        try volunteers[1].fetch()
        #expect(volunteers.map(\.held.count) == [3, 0])
        site.manifestFault.set(nil)
        try volunteers[1].fetch()
        #expect(volunteers[1].held.count == 3)
        for volunteer in volunteers { try volunteer.deliver() }
        try site.work()
        #expect(try site.status(batch).state == "finished")
    }
}
