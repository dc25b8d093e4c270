import Domain
import Storage

/// Records with different values in every field, so that a swapped column shows.
enum Samples {
    static let rule = ReplicationRule(
        quorum: 2, initial: 3, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(milliseconds: 86_400_001))

    static func digest(_ seed: Int64) -> Digest {
        Digest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: seed &* 31 + Int64($0)) })!
    }

    static func batch(_ id: BatchID, state: BatchState = .running) -> BatchRecord {
        BatchRecord(
            id: id, project: "gamma", title: "Blind “search” № \(id)", app: "pulsar", manifest: digest(7),
            inputs: [
                InputReference(name: "photons", digest: digest(8), size: 167_352, packing: .table),
                InputReference(name: "notes", digest: digest(9), size: 0, packing: .plain),
            ],
            replication: rule, state: state, cursor: [], splitFinished: false, workUnitCount: 0,
            createdAt: Timestamp(milliseconds: 1_700_000_000_123), finishedAt: nil
        )
    }

    static func volunteer(_ id: VolunteerID, name: String? = nil) -> VolunteerRecord {
        VolunteerRecord(
            id: id, name: name ?? "volunteer \(id)", credit: .zero, createdAt: Timestamp(milliseconds: 10 + id.rawValue)
        )
    }

    static func host(_ id: HostID, of volunteer: VolunteerID, key: UInt8? = nil) -> HostRecord {
        HostRecord(
            id: id, volunteer: volunteer,
            publicKey: [key ?? UInt8(truncatingIfNeeded: id.rawValue)] + [UInt8](repeating: 0x5a, count: 31),
            profile: HostProfile(
                name: "ruche-\(id)", platform: "x86_64-linux", cpuModel: "EPYC", cores: 4, memoryBytes: 8 << 30,
                diskFreeBytes: 9 << 30, benchmarkFlopsPerSecond: 2.5e9, clientVersion: "0.1.0"),
            sequence: 17, measuredFlopsPerSecond: nil, validCount: 0, invalidCount: 0, errorCount: 0, credit: .zero,
            createdAt: Timestamp(milliseconds: 1000), lastSeenAt: Timestamp(milliseconds: 2000)
        )
    }

    static func unit(_ batch: BatchID, _ index: Int64, tasks: Int = 2) -> WorkUnitAggregate {
        let id = WorkUnitID(batch: batch, index: index)
        let record = WorkUnitRecord(
            id: id, label: "band \(index), ratios 0-7", app: "pulsar", container: digest(id.rawValue),
            containerBytes: 4321, flops: 1.25e12, credit: Credit(flops: 1.25e12), memoryBytes: 100 << 20,
            diskBytes: 101 << 20, outputBytesMax: 1 << 20, flopsBound: 1.25e13, checkEach: true, replication: rule,
            state: .ready, revision: 0, createdAt: Timestamp(milliseconds: 5), updatedAt: Timestamp(milliseconds: 6)
        )
        return WorkUnitAggregate(
            unit: record, tasks: (0..<tasks).map { TaskRecord(id: TaskID(unit: id, ordinal: $0), state: .unsent) })
    }

    static func assignment(_ host: Int64, _ volunteer: Int64, deadline: Int64 = 5000) -> Assignment {
        Assignment(
            host: HostID(rawValue: host), volunteer: VolunteerID(rawValue: volunteer),
            sentAt: Timestamp(milliseconds: 100), deadline: Timestamp(milliseconds: deadline))
    }

    static let report = TaskReport(
        reportedAt: Timestamp(milliseconds: 300), result: digest(77), resultBytes: 640, cpuSeconds: 12.5,
        wallSeconds: 13.25, fingerprint: "zen4 fftw 3.3.10")

    static func verdict(_ outcome: Verdict.Outcome, comparedWith: TaskID? = nil) -> Verdict {
        Verdict(
            outcome: outcome, decidedAt: Timestamp(milliseconds: 400), comparedWith: comparedWith,
            difference: outcome == .invalid
                ? Difference(element: "candidates[3].power", distance: 41.5, tolerance: 1e-3) : nil,
            reason: "claimed sigma 41.2 recomputed as 3.1")
    }

    static func entry(
        _ task: TaskID, host: Int64, amount: Int64, project: String = "gamma", kind: LedgerKind = .grant
    ) -> LedgerEntry {
        let host = HostID(rawValue: host)
        let (debit, credit): (Account, Account) =
            switch kind {
            case .grant: (.project(project), .host(host))
            case .hold: (.project(project), .provisional(host))
            case .release: (.provisional(host), .host(host))
            case .void: (.provisional(host), .project(project))
            }
        return LedgerEntry(
            number: 0, at: Timestamp(milliseconds: 500), kind: kind, debit: debit, credit: credit,
            amount: Credit(microcobblestones: amount), task: task, project: project)
    }

    static func team(_ id: TeamID, name: String? = nil, founder: Int64 = 1) -> TeamRecord {
        TeamRecord(
            id: id, name: name ?? "team \(id)", founder: VolunteerID(rawValue: founder),
            createdAt: Timestamp(milliseconds: 20 + id.rawValue))
    }

    /// Brings host, volunteer and team in step with an entry that is final, as the server does.
    static func earn(
        _ entry: LedgerEntry, _ host: inout HostRecord, _ volunteer: inout VolunteerRecord, _ tx: any StoreTransaction
    ) throws {
        host.credit = host.credit + entry.amount
        host.recent.add(entry.amount, at: entry.at)
        volunteer.credit = volunteer.credit + entry.amount
        volunteer.recent.add(entry.amount, at: entry.at)
        guard let id = try tx.team(of: volunteer.id, at: entry.at), var team = try tx.team(id) else { return }
        team.credit = team.credit + entry.amount
        team.recent.add(entry.amount, at: entry.at)
        try tx.updateTeam(team)
    }

    static func linkCode(
        _ seed: Int64, volunteer: Int64 = 1, host: Int64 = 1, at moment: Int64 = 1000
    ) -> LinkCodeRecord {
        LinkCodeRecord(
            digest: digest(seed), volunteer: VolunteerID(rawValue: volunteer), host: HostID(rawValue: host),
            createdAt: Timestamp(milliseconds: moment), expiresAt: Timestamp(milliseconds: moment + 900_000))
    }

    static func trust(_ host: Int64, app: String = "pulsar") -> TrustRecord {
        TrustRecord(
            host: HostID(rawValue: host), app: app, lastSequence: 9, streak: 4, evidence: 3.25,
            evidenceAt: Timestamp(milliseconds: 11), passed: 7, failed: 2,
            lastFailedAt: host % 2 == 0 ? Timestamp(milliseconds: 12) : nil)
    }

    static func series(
        _ task: TaskID, host: Int64, _ sequence: Int64, _ state: SeriesEntry.State, app: String = "pulsar"
    ) -> SeriesEntry {
        SeriesEntry(task: task, host: HostID(rawValue: host), app: app, sequence: sequence, state: state)
    }

    /// One task state of every kind, with every variety of optional field.
    static func states(host: Int64, volunteer: Int64, other: TaskID) -> [TaskState] {
        let a = assignment(host, volunteer)
        return [
            .unsent, .sent(a), .reported(a, report, check: .pending), .reported(a, report, check: .plausible),
            .reported(a, report, check: .proven), .decided(a, report, verdict(.valid)),
            .decided(a, report, verdict(.invalid, comparedWith: other)), .decided(a, report, verdict(.inconclusive)),
            .decided(a, report, verdict(.tooLate)),
            .failed(a, TaskError(at: Timestamp(milliseconds: 9), code: .overLimit, message: "")),
            .expired(a), .aborted(a), .notNeeded,
        ]
    }

    static func unitStates(canonical: TaskID) -> [WorkUnitState] {
        [
            .ready, .active, .comparing, .validated(canonical: canonical), .assembled(canonical: canonical),
            .purged(canonical: canonical), .failed(.tooManyErrors), .failed(.noAgreement),
            .failed(.unusable("no such input: photons")), .cancelled, .provisional(canonical),
        ]
    }

    /// `count` volunteers with a host each, both numbered alike.
    static func addHosts(_ count: Int, _ tx: any StoreTransaction) throws {
        for _ in 0..<count {
            let volunteer = try tx.insertVolunteer { Samples.volunteer($0) }
            _ = try tx.insertHost { Samples.host($0, of: volunteer.id) }
        }
    }

    /// Changes a stored unit and saves it.
    @discardableResult
    static func change(
        _ id: WorkUnitID, _ tx: any StoreTransaction, _ body: (inout WorkUnitAggregate) -> Void
    ) throws -> WorkUnitAggregate {
        guard var aggregate = try tx.workUnit(id) else { throw StoreError.missing("\(id)") }
        body(&aggregate)
        try tx.saveWorkUnit(aggregate)
        return aggregate
    }

    /// Everything a store says, as lines.
    static func dump(_ tx: any StoreTransaction) throws -> [String] {
        var lines: [String] = []
        for batch in try tx.batches() {
            lines.append("\(batch)")
            lines += try tx.workUnits(of: batch.id, fromIndex: 0, limit: 10_000).map { "\($0)" }
            lines.append("\(try tx.counts(of: batch.id)) \(try tx.activeHostCount(of: batch.id))")
        }
        lines.append("\(try tx.openBatches().map(\.id))")
        for host in try tx.hosts() {
            lines.append("\(host) \(try tx.balance(of: .host(host.id))) \(try tx.balance(of: .provisional(host.id)))")
            lines.append("\(String(describing: try tx.volunteer(host.volunteer)))")
            lines.append("\(try tx.sentTasks(of: host.id))")
            lines.append("\(try tx.unsentTasks(notOf: host.volunteer, limit: 10_000))")
        }
        for volunteer in try tx.volunteers() {
            lines.append(
                "\(volunteer) \(try tx.hosts(of: volunteer.id).map(\.id)) \(try tx.memberships(of: volunteer.id))")
        }
        for volunteer in try tx.volunteers() {
            lines += try tx.linkCodes(of: volunteer.id).map { "\($0)" }
            lines += try tx.tasks(of: volunteer.id, after: nil, look: 10_000).rows.map { "\($0)" }
            lines += try tx.ledger(of: volunteer.id, after: 0, look: 10_000).rows.map { "\($0.number)" }
        }
        for team in try tx.teams() { lines.append("\(team) \(try tx.memberships(in: team.id))") }
        lines.append("\(try tx.lastingMemberships())")
        for host in try tx.hosts() { lines += try tx.creditDays(of: host.id).map { "\($0)" } }
        for grouping in CreditGrouping.allCases {
            lines.append("\(try tx.creditSums(by: grouping, from: .first, through: .last))")
        }
        lines += try tx.trustRecords().map { "\($0)" }
        for batch in try tx.batches() {
            let standing = try tx.standingSeries(in: batch.id, after: nil, limit: 10_000)
            lines += standing.map { "\($0)" }
            for entry in standing {
                let first = try tx.firstChecking(of: entry.host, app: entry.app)
                lines.append("\(String(describing: first))")
            }
        }
        lines += try tx.logLeaves(from: 0, limit: 10_000).map { "leaf \($0)" }
        lines.append("\(try tx.logLeafCount()) \(try tx.logEdge() ?? [])")
        lines += try tx.ledger(fromNumber: 1, limit: 10_000).map { "\($0)" }
        lines.append("\(try tx.ledgerSummary()) \(try tx.balance(of: .project("gamma")))")
        lines.append("\(try tx.unitsAwaitingValidation(limit: 10_000))")
        lines.append("\(try tx.overdueTasks(before: Timestamp(milliseconds: .max), limit: 10_000))")
        lines.append("\(try tx.inProgressCounts().sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
        return lines
    }
}
