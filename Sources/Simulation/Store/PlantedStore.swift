import Domain
import Storage

/// A store with a planted fault, for canary runs.
final class PlantedStore: Store {
    private let base: any Store
    private let plant: Plant
    private let state = PlantState()

    init(_ base: any Store, _ plant: Plant) {
        self.base = base
        self.plant = plant
    }

    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try base.transaction { tx in try body(PlantedTransaction(tx, plant, state)) }
    }
}

/// What the planted fault has done so far.
private final class PlantState {
    var isDone = false
}

private final class PlantedTransaction: ForwardingTransaction {
    private let plant: Plant
    private let state: PlantState

    init(_ base: any StoreTransaction, _ plant: Plant, _ state: PlantState) {
        self.plant = plant
        self.state = state
        super.init(base)
    }

    override func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws {
        var changed = aggregate
        switch plant {
        case .dropsReport:
            if !state.isDone, try bringsReport(aggregate) {
                state.isDone = true
                return
            }
        case .falseQuorum: judgeAlone(&changed)
        case .secondReplica: giveTwice(&changed)
        case .changesReport: exchangeReport(&changed)
        case .reopens:
            if !state.isDone, case .assembled = changed.unit.state {
                state.isDone = true
                changed.unit.state = .active
            }
        case .unbounded:
            if let stored = try base.workUnit(aggregate.unit.id) {
                changed.unit.outputBytesMax = stored.unit.outputBytesMax
            }
        default: break
        }
        try super.saveWorkUnit(changed)
    }

    private func bringsReport(_ new: WorkUnitAggregate) throws -> Bool {
        let before = try base.workUnit(new.unit.id)?.tasks.filter { $0.state.report != nil }.count ?? 0
        return new.tasks.filter { $0.state.report != nil }.count > before
    }

    private func judgeAlone(_ aggregate: inout WorkUnitAggregate) {
        let reported = aggregate.tasks.filter { $0.state.report != nil }
        guard !state.isDone, aggregate.unit.replication.quorum > 1, reported.count == 1,
            case .reported(let assignment, let report, _) = reported[0].state
        else { return }
        state.isDone = true
        let verdict = Verdict(
            outcome: .valid, decidedAt: report.reportedAt, comparedWith: nil, difference: nil, reason: "planted")
        aggregate.tasks[reported[0].id.ordinal].state = .decided(assignment, report, verdict)
        aggregate.unit.state = .validated(canonical: reported[0].id)
    }

    private func giveTwice(_ aggregate: inout WorkUnitAggregate) {
        let sent = aggregate.tasks.compactMap { task -> (Int, Assignment)? in
            if case .sent(let assignment) = task.state { (task.id.ordinal, assignment) } else { nil }
        }
        guard !state.isDone, sent.count >= 2 else { return }
        state.isDone = true
        var second = sent[1].1
        second.volunteer = sent[0].1.volunteer
        aggregate.tasks[sent[1].0].state = .sent(second)
    }

    private func exchangeReport(_ aggregate: inout WorkUnitAggregate) {
        let reported = aggregate.tasks.compactMap { task -> (Int, Assignment, TaskReport, CheckState)? in
            if case .reported(let assignment, let report, let check) = task.state {
                (task.id.ordinal, assignment, report, check)
            } else {
                nil
            }
        }
        guard reported.count >= 2 else { return }
        var report = reported[0].2
        report.result = reported[1].2.result
        report.reportedAt = reported[1].2.reportedAt
        report.cpuSeconds += 1
        aggregate.tasks[reported[0].0].state = .reported(reported[0].1, report, check: reported[0].3)
    }

    override func updateVolunteer(_ volunteer: VolunteerRecord) throws {
        var changed = volunteer
        if plant == .grantsTwice, let old = try base.volunteer(volunteer.id) {
            changed.credit = volunteer.credit + volunteer.credit + -old.credit
        }
        try super.updateVolunteer(changed)
    }

    override func standingSeries(
        of host: HostID, app: String, through: Int64, limit: Int
    ) throws -> [SeriesEntry] {
        try super.standingSeries(of: host, app: app, through: plant == .shortWindow ? .max : through, limit: limit)
    }

    override func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64 {
        let count = try super.logLeafCount()
        return plant == .logForgets && count == 7 && !forgotten(leaf) ? count : try super.appendLogLeaf(leaf)
    }

    /// Once only; the leaf after it takes its place.
    private func forgotten(_ leaf: [UInt8]) -> Bool {
        defer { state.isDone = true }
        return state.isDone
    }

    override func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        plant == .neverExpires ? [] : try super.overdueTasks(before: now, limit: limit)
    }

    override func host(_ id: HostID) throws -> HostRecord? {
        var host = try super.host(id)
        if plant == .ignoresSpeed, let known = host {
            let speed = known.measuredFlopsPerSecond ?? known.profile.benchmarkFlopsPerSecond
            host?.measuredFlopsPerSecond = 1000 * speed
        }
        return host
    }

    override func updateHost(_ host: HostRecord) throws {
        var truthful = host
        if plant == .ignoresSpeed, let old = try base.host(host.id) {
            truthful.measuredFlopsPerSecond = old.measuredFlopsPerSecond
        }
        try super.updateHost(truthful)
    }

    override func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? {
        var aggregate = try super.workUnit(id)
        if plant == .unbounded { aggregate?.unit.outputBytesMax *= 1000 }
        return aggregate
    }
}
