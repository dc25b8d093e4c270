import Bytes
import Domain
import Engine
import ServerCore
import Storage
import Testing
import Transparency
import Wire

/// What a host can read off its tasks and the reports, and what it cannot.
@Suite("Secrecy")
struct SecrecyTests {
    private let keys = ServerKeys(project: TestSite.key)

    @Test("A host's number of a task leads back to it, and tells nothing of its place")
    func numbers() throws {
        var seen = [Int](repeating: 0, count: 64)
        for index in 0..<6400 as Range<Int64> {
            let unit = WorkUnitID(batch: BatchID(rawValue: 3), index: index)
            var numbers: Set<UInt64> = []
            for ordinal in [0, 1, 2, 63] {
                let task = TaskID(unit: unit, ordinal: ordinal)
                let number = keys.number(of: task)
                numbers.insert(number)
                #expect(keys.task(numbered: Int64(number)) == task)
                #expect(number >> 6 == UInt64(unit.rawValue))
            }
            #expect(numbers.count == 4)
            seen[Int(keys.number(of: TaskID(unit: unit, ordinal: 0)) & 63)] += 1
        }
        #expect(seen.allSatisfy { $0 > 50 && $0 < 160 }, "first tasks have every place alike: \(seen)")
        let other = ServerKeys(project: SigningKey())
        let task = TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 5), ordinal: 0)
        let differs = (0..<20 as Range<Int64>).contains { index in
            let task = TaskID(unit: WorkUnitID(batch: task.unit.batch, index: index), ordinal: 0)
            return other.number(of: task) != keys.number(of: task)
        }
        #expect(differs, "another project has other numbers")
    }

    @Test("What is said of a report that is refused names the task by the host's number, not by its place")
    func refusedReports() throws {
        let site = try TestSite(units: 1)
        let unit = WorkUnitID(batch: BatchID(rawValue: 1), index: 0)
        for ordinal in 0..<4 {
            var request = WireSchedulerRequest()
            var report = WireTaskReportMessage()
            report.taskID = keys.number(of: TaskID(unit: unit, ordinal: ordinal))
            request.profile = TestVolunteer.profile
            request.reports = [report]
            let refusal = try #require(throws: RequestRefusal.self) {
                try site.core.checkScheduler(request, now: site.now)
            }
            #expect(refusal.message.contains("task \(report.taskID) ") && !refusal.message.contains("#"))
        }
    }

    @Test("Nothing is public while a task of the unit is out: no verdict, no credit, no hash")
    func quietUntilAllAreIn() throws {
        let site = try TestSite(units: 1, replicas: (initial: 3, maxTotal: 5))
        let batch = try site.submit()
        try site.work()
        let volunteers = try ["Ada", "Grace", "Edsger"].map { try TestVolunteer(site, $0) }
        for volunteer in volunteers { try volunteer.fetch() }
        for volunteer in volunteers.prefix(2) { try volunteer.deliver() }
        try site.work()
        func told() throws -> (units: Int, verdicts: Int, credits: Int) {
            try site.store.transaction { tx in
                let query = ValidationQuery(batch: batch, isForAll: true)
                let report = try #require(try site.core.validationReport(query, in: tx))
                let leaves = try tx.logLeaves(from: 0, limit: 100).map { try LedgerLeaf($0).event }
                return (
                    report.units.count { !$0.tasks.isEmpty },
                    leaves.count { if case .verdict = $0 { true } else { false } },
                    leaves.count { if case .credit = $0 { true } else { false } }
                )
            }
        }
        let credit = try site.credit()
        #expect(credit.hosts.count { $0.microcobblestones > 0 } == 2, "two are paid already")
        #expect(try told() == (0, 0, 0))
        #expect(try site.store.transaction { try LogAudit.differences(in: $0) } == [])
        try volunteers[2].deliver()
        try site.work()
        #expect(try told() == (1, 3, 3))
        #expect(try site.store.transaction { try LogAudit.differences(in: $0) } == [])
    }

    @Test("The places of two calls have nothing to do with each other; the same call looks at the same ones")
    func places() throws {
        let site = try TestSite(units: 60)
        _ = try site.submit()
        for _ in 0..<25 { try site.work() }
        var orders: Set<[UInt64]> = []
        for name in ["Ada", "Grace", "Edsger", "Alan"] {
            let volunteer = try TestVolunteer(site, name)
            try volunteer.fetch(5)
            #expect(volunteer.held.count == 5)
            let units = volunteer.held.map { $0.taskID >> 6 }
            #expect(units == units.sorted(), "in the order of their numbers")
            #expect(units.max()! - units.min()! > 8, "from all over the batch: \(units)")
            orders.insert(units)
        }
        #expect(orders.count == 4)
    }

    @Test("Where the project says so, the tasks of a unit go to hosts of one kind")
    func sameHardware() throws {
        let site = try TestSite(units: 2, spread: SpreadRule(sameHardware: true))
        _ = try site.submit()
        try site.work()
        let models = [
            "AMD EPYC 7763 64-Core Processor", "Intel(R) Xeon(R) CPU @ 2.80GHz", "AMD EPYC 9654 96-Core Processor",
        ]
        let volunteers = try models.enumerated().map { at, model in
            let volunteer = try TestVolunteer(site, "V\(at)")
            volunteer.profile.cpuModel = model
            return volunteer
        }
        try volunteers[0].fetch()
        let reply = try volunteers[1].call(volunteers[1].request(want: 4)).get()
        try volunteers[2].fetch()
        #expect(volunteers.map(\.held.count) == [2, 0, 2] && reply.tasks.isEmpty)
        #expect(reply.noWorkReasons.contains { $0.contains("for other volunteers") }, "\(reply.noWorkReasons)")
    }

    @Test(
        "What results depend on: platform, maker and family",
        arguments: [
            ("AMD EPYC 7763 64-Core Processor", "amd epyc"), ("Intel(R) Xeon(R) CPU @ 2.80GHz", "intel xeon"),
            ("12th Gen Intel(R) Core(TM) i7-12700", "intel"), ("AMD Ryzen 9 5950X 16-Core Processor", "amd ryzen"),
            ("", ""),
        ])
    func hardware(model: String, words: String) {
        let profile = HostProfile(
            name: "pc", platform: "x86_64-linux", cpuModel: model, cores: 1, memoryBytes: 1, diskFreeBytes: 1,
            benchmarkFlopsPerSecond: 1, clientVersion: "1")
        #expect(profile.hardware == (words.isEmpty ? "x86_64-linux" : "x86_64-linux \(words)"))
    }

    @Test("Hosts of one network share no unit where the project says so")
    func networks() throws {
        let site = try TestSite(units: 1, spread: SpreadRule(networks: true))
        _ = try site.submit()
        try site.work()
        let volunteers = try ["Ada", "Grace", "Edsger"].map { try TestVolunteer(site, $0) }
        let hosts = volunteers.map(\.host)
        var crowd = try site.store.transaction { try site.core.crowd(in: $0, now: site.now) }
        crowd.network = { host in host == hosts[2] ? 2 : 1 }
        var given: [Int] = []
        for volunteer in volunteers {
            let call = try site.core.checkScheduler(volunteer.request(want: 2), now: site.now)
            let outcome = try site.store.transaction { tx in
                try site.core.schedule(
                    call, host: volunteer.host, sequence: 1, sentLastDay: 0, crowd: crowd, in: tx, now: site.now)
            }
            given.append(try outcome.get().reply.tasks.count)
        }
        #expect(given == [1, 0, 1])
    }

    @Test("A small crowd is served whole: two volunteers finish what they begin, in any order")
    func twoAreEnough() throws {
        let site = try TestSite(units: 12)
        let batch = try site.submit()
        try site.work()
        let pair = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        for _ in 0..<40 where try site.status(batch).state == "running" {
            for volunteer in pair {
                try volunteer.fetch(3)
                try volunteer.deliver()
                try site.work()
            }
        }
        #expect(try site.status(batch).state == "finished")
    }
}
