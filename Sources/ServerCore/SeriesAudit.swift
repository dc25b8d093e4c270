import Domain
import Engine
import Storage

/// The entries of a unit's tasks in the series of their hosts, against what the unit says.
struct SeriesAudit {
    private let aggregate: WorkUnitAggregate
    private let isAdaptive: Bool

    init(_ aggregate: WorkUnitAggregate) {
        self.aggregate = aggregate
        isAdaptive = if case .adaptive = aggregate.unit.replication.acceptance { true } else { false }
    }

    /// - Returns: the task's entry; nil when it has none.
    func look(
        at task: TaskRecord, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws -> SeriesEntry? {
        let entry = try tx.seriesEntry(for: task.id)
        let row = "series entry of task \(task.id)"
        guard let entry else {
            if isAdaptive, mustHaveEntry(task) { found.add("\(row) is missing") }
            return nil
        }
        guard isAdaptive, let assignment = task.state.assignment else {
            found.add("\(row): there is one, and the task has no place in a series")
            return entry
        }
        if entry.host != assignment.host {
            found.add(row, "host", stored: entry.host, expected: "the task's is \(assignment.host)")
        }
        if entry.app != Trust.app(aggregate.unit.app) {
            found.add(row, "app", stored: entry.app, expected: "the unit's is \(aggregate.unit.app)")
        }
        let allowed = try allowed(task, in: tx)
        if !allowed.contains(entry.state) {
            let words = allowed.map { "\($0) (\($0.rawValue))" }.joined(separator: " or ")
            found.add(
                row, "state", stored: "\(entry.state) (\(entry.state.rawValue))",
                expected: allowed.isEmpty ? "the task has no place in a series" : "the task says \(words)")
        }
        return entry
    }

    private func mustHaveEntry(_ task: TaskRecord) -> Bool {
        switch task.state {
        case .reported(_, _, let check): check != .pending
        case .decided(_, _, let verdict): verdict.outcome == .valid
        default: false
        }
    }

    private func allowed(_ task: TaskRecord, in tx: any StoreTransaction) throws -> [SeriesEntry.State] {
        switch task.state {
        case .decided(_, _, let verdict):
            switch verdict.outcome {
            // What was voided and computed again is no evidence, and stays void.
            case .valid: return Trust.isEvidence(verdict) ? [.passed, .voided] : [.confirmed]
            case .invalid: return [.failed]
            case .inconclusive, .tooLate: return [.dropped]
            }
        case .reported(_, _, let check) where check != .pending:
            if aggregate.unit.state.provisional == task.id { return [.provisional, .audited] }
            // What is held goes back when a failure voids it, and stays while it is only checked again.
            if aggregate.unit.credit == .zero { return [.checking, .voided] }
            return try tx.ledgerEntries(for: task.id).last?.kind == .void ? [.voided] : [.checking]
        default: return []
        }
    }
}

extension Trust {
    /// Whether a valid result was confirmed by somebody else, or proven.
    fileprivate static func isEvidence(_ verdict: Verdict) -> Bool { TrustRecount.isEvidence(verdict) == true }
}

/// The numbers of one host's series for one app, without remembering each.
struct SeriesFigures {
    private var count: Int64 = 0
    private var sum: Int64 = 0
    private(set) var last: Int64 = 0

    mutating func add(_ entry: SeriesEntry) {
        count += 1
        sum &+= entry.sequence
        last = max(last, entry.sequence)
    }

    /// Why the numbers are not 1, 2, 3 ... without gaps; no two are the same, which the store sees to.
    var gap: String? {
        count == last && sum == last * (last + 1) / 2 ? nil : "\(count) entries, numbered up to \(last)"
    }
}
