import Bytes
import Domain
import Engine
import ServerCore
import Storage
import Testing
import Wire

@Suite("Who disagreed with whom")
struct DisagreementTests {
    private func report(
        _ site: TestSite, _ query: DisagreementQuery = DisagreementQuery()
    ) throws -> WireDisagreementReport {
        try site.store.transaction { try site.core.disagreementReport(query, in: $0) }
    }

    /// Three units, each computed by Ada, Grace and a third who says something of his own.
    private func site(_ third: @escaping (WorkUnitID) -> String?) throws -> (TestSite, BatchID) {
        let site = try TestSite(units: 3, replicas: (3, 6))
        let batch = try site.submit()
        try site.work()
        let volunteers = try ["Ada", "Grace", "Mallory"].map { try TestVolunteer(site, $0) }
        volunteers[2].says = third
        for volunteer in volunteers { try volunteer.fetch() }
        for volunteer in volunteers { try volunteer.deliver() }
        try site.work()
        return (site, batch)
    }

    @Test("An outvoted result: where, by how much, on which hardware, against whom")
    func outvoted() throws {
        let (site, batch) = try site { unit in unit.index == 1 ? "wrong" : "true \(unit)" }
        let report = try report(site)
        #expect(report.batchID == 0 && report.unitsRead == 3 && report.unitsCompared == 3)
        #expect(report.disagreementsTotal == 1)
        let row = try #require(report.rows.first)
        #expect(row.batchID == UInt64(batch.rawValue) && row.unit == 1 && row.label == "piece 1" && row.task == 2)
        #expect(row.hostID == 3 && row.hostName == "host" && row.volunteerName == "Mallory")
        #expect(row.fingerprint == "test" && row.verdict == "outvoted" && row.againstHostIds == [1, 2])
        #expect(row.element == "text" && row.distance == 3 && row.comparedWith == "1.1#0")
        let edges = report.edges.map { [$0.hostA, $0.hostB, $0.met, $0.agreed, $0.differed] }
        #expect(edges == [[1, 3, 3, 2, 1], [2, 3, 3, 2, 1], [1, 2, 3, 3, 0]])
        #expect(report.classes.map { [$0.agreed, $0.differed] } == [[7, 2]])
        #expect(report.hosts.map(\.hostID) == [3, 1, 2] && report.hosts[0].outvoted == 1)
        #expect(report.hosts[0].checked == 3 && report.hosts[0].agreed == 2 && report.hosts[1].failureRateMin == 0)
        #expect(report.cliques.isEmpty && report.worthALook.isEmpty && report.pairs == 3)
    }

    @Test("What a check refuses stands before what a vote refuses")
    func refuted() throws {
        let (site, _) = try site { unit in unit.index == 0 ? "lie" : unit.index == 1 ? "noise" : "wrong" }
        let report = try report(site)
        #expect(report.rows.map(\.verdict) == ["refuted", "malformed", "outvoted"])
        #expect(report.rows[0].element == "text" && report.rows[0].againstHostIds.isEmpty)
        #expect(report.rows[1].element.isEmpty && report.rows[1].reason == "said noise")
        let host = try #require(report.hosts.first)
        #expect(host.hostID == 3 && host.refuted == 1 && host.malformed == 1 && host.outvoted == 1)
        #expect(host.failureRateMin > 0.3 && host.failureRateMin < 0.84)
    }

    @Test("One host: its rows, its edges, and those it differed from")
    func oneHost() throws {
        let (site, _) = try site { unit in unit.index == 1 ? "wrong" : "true \(unit)" }
        let ada = try report(site, DisagreementQuery(host: HostID(rawValue: 1)))
        #expect(ada.hostID == 1 && ada.disagreementsTotal == 1 && ada.hosts.map(\.hostID) == [3, 1])
        #expect(ada.edges.allSatisfy { $0.hostA == 1 } && ada.edgesTotal == 2)
        let idle = try TestVolunteer(site, "Idle")
        let none = try report(site, DisagreementQuery(host: idle.host))
        #expect(none.disagreementsTotal == 0 && none.hosts.isEmpty && none.edges.isEmpty && none.unitsRead == 3)
    }

    @Test("Results that no quorum agreed on are listed, and count against nobody")
    func noAgreement() throws {
        let site = try TestSite(units: 1, replicas: (2, 2))
        _ = try site.submit()
        try site.work()
        for name in ["Ada", "Grace"] {
            let volunteer = try TestVolunteer(site, name)
            volunteer.says = { _ in "true \(name)" }
            try volunteer.fetch()
            try volunteer.deliver()
        }
        try site.work()
        let report = try report(site)
        #expect(report.rows.map(\.verdict) == ["no agreement", "no agreement"])
        #expect(report.hosts.allSatisfy { $0.checked == 0 && $0.undecided == 1 } && report.edges.isEmpty)
    }

    @Test("An empty server, and what is not there")
    func empty() throws {
        let site = try TestSite()
        let empty = try report(site)
        #expect(empty.unitsRead == 0 && empty.hosts.isEmpty && empty.rows.isEmpty)
        #expect(throws: RequestRefusal(.notFound, "there is no batch 7")) {
            try report(site, DisagreementQuery(batch: BatchID(rawValue: 7)))
        }
        #expect(throws: RequestRefusal(.notFound, "there is no host 9")) {
            try report(site, DisagreementQuery(host: HostID(rawValue: 9)))
        }
        let batch = try site.submit()
        try site.work()
        let undecided = try report(site, DisagreementQuery(batch: batch))
        #expect(undecided.unitsRead == 4 && undecided.hosts.isEmpty)
    }

    // MARK: Many units

    /// A decided unit of three hosts, through the real machine; the third is wrong in every tenth.
    private func decided(_ index: Int64, _ batch: BatchRecord, hosts: [HostRecord]) throws -> WorkUnitAggregate {
        let now = Timestamp(seconds: 5)
        let digest = SHA256Hash.digest(of: [1])
        var rule = ProjectSpec.sample(quorum: 2, checkEach: false).replication
        rule.initial = 3
        var unit = WorkUnitMachine.create(
            WorkUnitRecord(
                id: WorkUnitID(batch: batch.id, index: index), label: "piece \(index)", app: "sample-app/1",
                container: digest, containerBytes: 1, flops: 1, credit: Credit(microcobblestones: 1),
                memoryBytes: 1, diskBytes: 1, outputBytesMax: 1, flopsBound: 10, checkEach: false,
                replication: rule, state: .ready, revision: 0, createdAt: now, updatedAt: now))
        let drawn = (0..<3).map { hosts[(Int(index) * 7 + $0 * 3) % hosts.count] }
        for (task, host) in zip(unit.tasks, drawn) {
            let assignment = Assignment(host: host.id, volunteer: host.volunteer, sentAt: now, deadline: now)
            unit = WorkUnitMachine.step(unit, .assigned(task.id, assignment), now: now).aggregate
        }
        for (task, host) in zip(unit.tasks, drawn) {
            let report = TaskReport(
                reportedAt: now, result: digest, resultBytes: 1, cpuSeconds: 1, wallSeconds: 1,
                fingerprint: "class \(host.id.rawValue % 2)")
            unit = WorkUnitMachine.step(unit, .reported(task.id, host: host.id, report), now: now).aggregate
        }
        guard case .compare(let tasks) = WorkUnitMachine.validationWork(unit) else { return unit }
        let wrong = index.isMultiple(of: 10) ? tasks.last : nil
        let pairs = [(0, 1), (0, 2), (1, 2)].map { first, second in
            PairComparison(
                first: tasks[first], second: tasks[second],
                difference: tasks[second] == wrong ? Difference(element: "x", distance: 2, tolerance: 1) : nil)
        }
        return WorkUnitMachine.step(unit, .compared(pairs), now: now).aggregate
    }

    @Test("Thousands of units are read in pages, lists are bounded, and totals count all")
    func pages() throws {
        let site = try TestSite()
        for number in 0..<10 { _ = try TestVolunteer(site, "volunteer \(number)") }
        let units: Int64 = 4000
        let batches = [try site.submit(), try site.submit()]
        try site.store.transaction { tx in
            let hosts = try tx.hosts()
            for id in batches {
                let batch = try #require(try tx.batch(id))
                try tx.insertWorkUnits(try (0..<units).map { try decided($0, batch, hosts: hosts) })
            }
        }
        var query = DisagreementQuery(rowsMax: 25, edgesMax: 7, hostsMax: 3)
        var reading = DisagreementReading(query)
        var pages = 0
        for batch in try site.store.transaction({ try site.core.disagreementBatches(query, in: $0) }) {
            var index: Int64? = 0
            while let from = index {
                let page = try site.store.transaction {
                    try site.core.evidencePage(of: batch, fromIndex: from, limit: 97, in: $0)
                }
                #expect(page.units.count <= 97)
                reading.add(page)
                index = page.next
                pages += 1
            }
        }
        #expect(pages == 2 * (42 + 1))
        let whole = reading.report()
        #expect(whole.unitsRead == 8000 && whole.unitsCompared == 8000 && whole.disagreementsTotal == 800)
        #expect(whole.rows.count == 25 && whole.rows[0].batchID == UInt64(batches[1].rawValue), "newest first")
        #expect(whole.edges.count == 7 && whole.edgesTotal == 20)
        #expect(whole.hosts.count == 3 && whole.hostsTotal == 10)
        #expect(whole.meetingsLeftOut == 0 && whole.contradictionsLeftOut == 0)
        // In one go it is the same but for the names.
        query.batch = batches[0]
        let half = try report(site, query)
        #expect(half.unitsRead == 4000 && half.disagreementsTotal == 400 && half.hosts[0].volunteerName != "")
        // What does not fit is said.
        var small = DisagreementReading(query, bounds: AgreementGraph.Bounds(pairs: 2, contradictions: 5))
        small.add(
            try site.store.transaction {
                try site.core.evidencePage(of: batches[0], fromIndex: 0, limit: 1000, in: $0)
            })
        let bounded = small.report()
        #expect(bounded.meetingsLeftOut > 100 && bounded.contradictionsLeftOut == 95 && bounded.edgesTotal == 2)
        #expect(bounded.disagreementsTotal == 100)
    }

    // MARK: Credit that is not final

    @Test("Held and void amounts of tasks, hosts and ledger are the same")
    func credit() throws {
        let key = try #require(SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32)))
        let rule = AdaptiveRule(checkRate: 0.2, window: 20)
        let site = try TestSite(units: 200, acceptance: .adaptive(rule), key: key)
        let batch = try site.submit()
        try site.work()
        let volunteers = try ["Ada", "Grace", "Mallory"].map { try TestVolunteer(site, $0) }
        var answers = 0
        volunteers[2].says = { unit in
            answers += 1
            return answers <= 40 ? "true \(unit)" : "wrong"
        }
        var held = false
        for _ in 0..<60 where try site.status(batch).state == "running" {
            for volunteer in volunteers {
                try volunteer.fetch(3)
                try volunteer.deliver()
                try site.work()
            }
            held = try expectSameAmounts(site, batch) || held
        }
        let tally = try tally(site)
        #expect(held && tally.byHost.keys.map(\.rawValue) == [3])
        #expect(try site.validation(batch).units.flatMap(\.tasks).contains { $0.voidMicrocobblestones > 0 })
    }

    /// - Returns: whether anything was provisional.
    private func expectSameAmounts(_ site: TestSite, _ batch: BatchID) throws -> Bool {
        let tally = try tally(site)
        let credit = try site.store.transaction { try site.core.creditReport(in: $0, voided: tally, now: site.now) }
        let tasks = try site.validation(batch).units.flatMap(\.tasks)
        #expect(tasks.reduce(0) { $0 + $1.voidMicrocobblestones } == credit.voidMicrocobblestones)
        #expect(tasks.reduce(0) { $0 + $1.provisionalMicrocobblestones } == credit.provisionalMicrocobblestones)
        #expect(tasks.reduce(0) { $0 + $1.creditMicrocobblestones } == credit.ledgerTotalMicrocobblestones)
        let voids = try site.store.transaction { try $0.ledger(fromNumber: 1, limit: 10_000) }
            .filter { $0.kind == .void }.reduce(Int64(0)) { $0 + $1.amount.microcobblestones }
        #expect(credit.voidMicrocobblestones == voids && credit.balanced)
        return credit.provisionalMicrocobblestones > 0
    }

    /// In pages of seven.
    private func tally(_ site: TestSite) throws -> VoidTally {
        var tally = VoidTally()
        while true {
            let page = try site.store.transaction { try $0.ledger(fromNumber: tally.next, limit: 7) }
            if page.isEmpty { return tally }
            tally.add(page)
        }
    }

    // MARK: Trust

    @Test("Hosts stand by evidence in the trust report, and the text names the evidence that their record needs")
    func trust() throws {
        let site = try TestSite()
        let hosts = try ["Ada", "Grace", "Mallory"].map { try TestVolunteer(site, $0).host }
        try site.store.transaction { tx in
            for (host, (passed, failed)) in zip(hosts, [(500, 5), (4, 0), (5, 5)] as [(Int64, Int64)]) {
                try tx.saveTrust(
                    TrustRecord(
                        host: host, app: "sample-app", streak: passed, evidence: Double(passed),
                        evidenceAt: site.now, passed: passed, failed: failed))
            }
        }
        site.wait(90 * 86_400)
        let report = try site.store.transaction { try site.core.trustReport(host: nil, in: $0, now: site.now) }
        #expect(report.hosts.map(\.hostID) == [3, 1, 2])
        #expect(report.hosts[0].failureRateMin > 0.2 && report.hosts[1].failureRateMin < 0.01)
        #expect(report.hosts[2].failureRateMin == 0)
        // Four results that count two now, where three and a half are needed; not ten.
        #expect(report.hosts[2].windowMax == 0)
        #expect(report.hosts[2].explanation.contains("they count 2.0, less than the 3.5 that are needed"))
    }
}
