import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Testing
import Wire

/// All that is kept of a volunteer, for the volunteer.
@Suite("Exports for volunteers")
struct VolunteerExportTests {
    private func page(
        _ volunteer: TestVolunteer, _ section: WireExportSection, after: UInt64 = 0
    ) throws -> Result<WireExportReply, RequestRefusal> {
        var request = WireExportRequest()
        request.section = section
        request.after = after
        volunteer.sequence += 1
        let site = volunteer.site
        let call = try site.core.checkExport(request)
        return try site.store.transaction { tx in
            try site.core.export(call, host: volunteer.host, sequence: volunteer.sequence, in: tx, now: site.now)
        }
    }

    private func earn(_ site: TestSite, _ volunteers: [TestVolunteer]) throws {
        let batch = try site.submit()
        try site.work()
        for volunteer in volunteers {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        try site.work()
        #expect(try site.status(batch).state == "finished")
    }

    @Test("It holds account, hosts, tasks and credit, and the sums agree")
    func content() throws {
        let site = try TestSite(units: 3)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        let laptop = try ada.second()
        try earn(site, [ada, grace])
        _ = try ada.ask(.accountFoundTeam, team: "Engines").get()
        site.wait(90_000)
        try earn(site, [laptop, grace])
        let account = try page(ada, .exportAccount).get()
        #expect(account.schemaVersion == 1 && account.next == 0)
        #expect(account.account.name == "Ada" && account.account.volunteerID == 1)
        #expect(account.account.teamsFounded == ["Engines"] && account.account.teams.map(\.teamName) == ["Engines"])
        #expect(account.account.creditMicrocobblestones == 6_000_000 && !account.account.notes.isEmpty)
        #expect(account.account.linkCodes.map(\.usedByHost) == [3])
        #expect(account.hosts.isEmpty && account.tasks.isEmpty && account.credit.isEmpty)

        let hosts = try page(ada, .exportHosts).get()
        #expect(hosts.hosts.map(\.hostID) == [1, 3] && hosts.next == 0)
        #expect(hosts.hosts[0].publicKey == Data(ada.key.publicKey.rawRepresentation))
        #expect(hosts.hosts.flatMap(\.days).map(\.microcobblestones) == [3_000_000, 3_000_000])
        #expect(hosts.hosts.flatMap(\.days).map(\.teamID) == [0, 1])
        #expect(try page(ada, .exportHosts, after: 1).get().hosts.map(\.hostID) == [3])

        let tasks = try page(ada, .exportTasks).get()
        #expect(tasks.tasks.count == 6 && tasks.tasks.allSatisfy { [1, 3].contains($0.hostID) })
        #expect(tasks.tasks.allSatisfy { $0.state == "valid" && !$0.reason.isEmpty && $0.project == "sample" })
        let credit = try page(ada, .exportCredit).get()
        #expect(credit.credit.count == 6 && credit.credit.allSatisfy { $0.kind == "grant" })
        #expect(credit.credit.reduce(0) { $0 + $1.microcobblestones } == 6_000_000)
        #expect(Set(credit.credit.map(\.taskID)) == Set(tasks.tasks.map(\.taskID)), "the numbers that hosts know")
        #expect(try page(grace, .exportTasks).get().tasks.count == 6)
    }

    @Test("Only the volunteer is answered, and only the host that manages the account")
    func authority() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let laptop = try ada.second()
        for section in [WireExportSection.exportAccount, .exportHosts, .exportTasks, .exportCredit] {
            guard case .failure(let refusal) = try page(laptop, section) else {
                Issue.record("another host was told \(section)")
                continue
            }
            #expect(refusal.code == .wrongState)
        }
        var request = WireExportRequest()
        let call = try site.core.checkExport(request)
        let replay = try site.store.transaction { tx in
            try site.core.export(call, host: ada.host, sequence: ada.sequence, in: tx, now: site.now)
        }
        guard case .failure(let refusal) = replay else { throw StoreError.conflict("a replay was answered") }
        #expect(refusal.code == .staleSequence)
        request.section = .UNRECOGNIZED(4)
        #expect(throws: RequestRefusal.self) { try site.core.checkExport(request) }
        request.section = .exportTasks
        for after in [1 << 57, .max] as [UInt64] {
            request.after = after
            #expect(throws: RequestRefusal.self) { try site.core.checkExport(request) }
        }
    }

    @Test("Not to a host that speaks for the account only because the older ones are silent; exporting is no silence")
    func byAbsence() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let stranger = try ada.second()
        site.wait(20 * 86_400)
        _ = try page(ada, .exportAccount).get()
        site.wait(20 * 86_400)
        #expect(try !stranger.ask(.accountShow).get().mayChange, "ada has exported within a month")
        site.wait(20 * 86_400)
        #expect(try stranger.ask(.accountShow).get().mayChange)
        guard case .failure(let refusal) = try page(stranger, .exportAccount) else {
            Issue.record("a stranger was told")
            return
        }
        #expect(refusal.code == .wrongState && refusal.message.contains("host 1 has been here longer"))
        #expect(try page(ada, .exportAccount).get().account.name == "Ada")
    }

    @Test("What is still secret is not told: not that a result stands, nor what it was paid")
    func secrets() throws {
        let site = try TestSite(units: 1, quorum: 2, replicas: (initial: 3, maxTotal: 5))
        let volunteers = try ["Ada", "Grace", "Edsger"].map { try TestVolunteer(site, $0) }
        _ = try site.submit()
        try site.work()
        for volunteer in volunteers { try volunteer.fetch() }
        for volunteer in volunteers.prefix(2) { try volunteer.deliver() }
        try site.work()
        let ada = volunteers[0]
        #expect(try site.store.transaction { try $0.ledgerSummary().granted } > .zero, "both are paid")
        #expect(try page(ada, .exportTasks).get().tasks.map(\.state) == ["reported"])
        #expect(try page(ada, .exportTasks).get().tasks.allSatisfy { $0.reason.isEmpty && $0.endedMs == 0 })
        #expect(try page(ada, .exportCredit).get().credit.isEmpty)
        #expect(try page(volunteers[2], .exportTasks).get().tasks.map(\.state) == ["sent"])
        try volunteers[2].deliver()
        try site.work()
        #expect(try page(ada, .exportTasks).get().tasks.map(\.state) == ["valid"])
        #expect(try page(ada, .exportCredit).get().credit.count == 1)
    }

    @Test("A long history comes in pages, each thing once")
    func pages() throws {
        let site = try TestSite(units: 1, quorum: 1)
        let ada = try TestVolunteer(site, "Ada")
        let host = ada.host
        let count = Limits.exportRowsMax * 2 + 1
        try site.store.transaction { tx in
            let batch = try tx.insertBatch {
                BatchRecord(
                    id: $0, project: "sample", title: "", app: "sample-app", manifest: site.manifest, inputs: [],
                    replication: site.spec.replication, state: .finished, cursor: [], splitFinished: true,
                    workUnitCount: Int64(count), createdAt: site.now, finishedAt: site.now)
            }
            let assignment = Assignment(
                host: host, volunteer: VolunteerID(rawValue: 1), sentAt: site.now, deadline: site.now)
            let units = (0..<count).map { number in
                let id = WorkUnitID(batch: batch.id, index: Int64(number))
                let unit = WorkUnitRecord(
                    id: id, label: "unit \(number)", app: "sample-app/1", container: site.manifest,
                    containerBytes: 1, flops: 1, credit: .zero, memoryBytes: 1, diskBytes: 1, outputBytesMax: 1,
                    flopsBound: 1, checkEach: false, replication: site.spec.replication, state: .cancelled, revision: 0,
                    createdAt: site.now, updatedAt: site.now)
                return WorkUnitAggregate(
                    unit: unit, tasks: [TaskRecord(id: TaskID(unit: id, ordinal: 0), state: .aborted(assignment))])
            }
            try tx.insertWorkUnits(units)
        }
        var labels: [String] = []
        var after: UInt64 = 0
        var pages = 0
        repeat {
            let page = try page(ada, .exportTasks, after: after).get()
            #expect(page.tasks.count <= Limits.exportRowsMax)
            labels += page.tasks.map(\.label)
            #expect(page.next == 0 || page.next > after)
            after = page.next
            pages += 1
        } while after > 0
        #expect(labels == (0..<count).map { "unit \($0)" })
        #expect(pages == 3)
    }
}
