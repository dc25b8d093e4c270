import Domain
import Engine
import Storage
import Wire

/// What a validation report should show.
public struct ValidationQuery: Hashable, Sendable {
    public var batch: BatchID
    /// Only this unit; nil: all.
    public var unit: Int64?
    /// Only units in which a result was refused or a task failed.
    public var onlyDisagreed: Bool
    /// At most so many units in the list; the totals count all.
    public var unitsMax: Int
    /// Whether only what everybody may know is told; see `WorkUnitAggregate.isPublic`.
    public var isForAll: Bool

    public init(
        batch: BatchID, unit: Int64? = nil, onlyDisagreed: Bool = false, unitsMax: Int = 10_000, isForAll: Bool = false
    ) {
        self.isForAll = isForAll
        self.batch = batch
        self.unit = unit
        self.onlyDisagreed = onlyDisagreed
        self.unitsMax = unitsMax
    }
}

extension ProjectServer {
    /// Who agreed with whom: per unit and task the verdict, its reason, and where a result differed first.
    /// - Returns: nil when there is no such batch.
    public func validationReport(
        _ query: ValidationQuery, in tx: any StoreTransaction
    ) throws -> WireValidationReport? {
        guard let batch = try tx.batch(query.batch) else { return nil }
        var report = WireValidationReport()
        report.batchID = UInt64(batch.id.rawValue)
        report.project = batch.project
        var names = HostNames()
        try forEachUnit(of: batch.id, in: tx) { aggregate in
            report.unitsTotal += 1
            let isTold = aggregate.isPublic || !query.isForAll
            let disagreed = aggregate.hasDisagreement && isTold
            if disagreed { report.unitsWithDisagreement += 1 }
            if aggregate.unit.state.canonical != nil {
                report.unitsAgreed += 1
            } else if aggregate.unit.state.isFinal {
                report.unitsFailed += 1
            } else {
                report.unitsOpen += 1
            }
            guard query.unit.map({ $0 == aggregate.unit.id.index }) ?? true, disagreed || !query.onlyDisagreed,
                report.units.count < query.unitsMax
            else { return }
            if isTold {
                report.units.append(try unitReport(aggregate, &names, in: tx))
            } else {
                // Not even whether a result is there: the unit's next host could read that it is asked to judge it.
                var secret = WireUnitReport()
                secret.index = UInt64(aggregate.unit.id.index)
                secret.label = aggregate.unit.label
                secret.state = "under way"
                report.units.append(secret)
            }
        }
        return report
    }

    private func unitReport(
        _ aggregate: WorkUnitAggregate, _ names: inout HostNames, in tx: any StoreTransaction
    ) throws -> WireUnitReport {
        var report = WireUnitReport()
        report.index = UInt64(aggregate.unit.id.index)
        report.label = aggregate.unit.label
        report.state = aggregate.unit.state.word
        if let canonical = aggregate.unit.state.canonical { report.canonical = UInt32(canonical.ordinal) }
        report.tasks = try aggregate.tasks.map { try row($0, &names, in: tx) }
        return report
    }

    private func row(
        _ task: TaskRecord, _ names: inout HostNames, in tx: any StoreTransaction
    ) throws -> WireTaskVerdictRow {
        var row = WireTaskVerdictRow()
        row.ordinal = UInt32(task.id.ordinal)
        row.state = task.state.word
        if let assignment = task.state.assignment {
            row.hostID = UInt64(assignment.host.rawValue)
            (row.hostName, row.volunteerName) = try names.names(of: assignment.host, in: tx)
        }
        if let report = task.state.report {
            row.cpuSeconds = report.cpuSeconds
            row.fingerprint = report.fingerprint
            row.reportedMs = UInt64(max(0, report.reportedAt.milliseconds))
        }
        switch task.state {
        case .decided(_, _, let verdict):
            // Only now: before the verdict, the name of a result would let a second host fetch and repeat it.
            row.resultSha256 = task.state.report?.result.hex ?? ""
            row.reason = verdict.reason
            row.element = verdict.difference?.element ?? ""
            row.distance = verdict.difference?.distance ?? 0
            row.tolerance = verdict.difference?.tolerance ?? 0
            row.comparedWith = verdict.comparedWith?.description ?? ""
            try fillCredit(of: task.id, &row, in: tx)
        case .failed(_, let error):
            row.reason = error.message.isEmpty ? error.code.text : "\(error.code.text): \(error.message)"
            row.reportedMs = UInt64(max(0, error.at.milliseconds))
        case .reported: try fillCredit(of: task.id, &row, in: tx)
        case .unsent, .sent, .expired, .aborted, .notNeeded: break
        }
        return row
    }
}

extension ProjectServer {
    /// What a task has earned for good, what it may still earn, and what was taken back.
    private func fillCredit(of task: TaskID, _ row: inout WireTaskVerdictRow, in tx: any StoreTransaction) throws {
        for entry in try tx.ledgerEntries(for: task) {
            let amount = entry.amount.microcobblestones
            switch entry.kind {
            case .grant: row.creditMicrocobblestones += amount
            case .hold: row.provisionalMicrocobblestones += amount
            case .release:
                row.creditMicrocobblestones += amount
                row.provisionalMicrocobblestones -= amount
            case .void:
                row.voidMicrocobblestones += amount
                row.provisionalMicrocobblestones -= amount
            }
        }
    }
}

extension WorkUnitAggregate {
    /// Whether a result of this unit was refused.
    var hasDisagreement: Bool {
        tasks.contains { task in
            if case .decided(_, _, let verdict) = task.state { verdict.outcome == .invalid } else { false }
        }
    }
}

/// Names of hosts and volunteers, each looked up once per report.
struct HostNames {
    private var known: [HostID: (String, String)] = [:]

    mutating func names(of host: HostID, in tx: any StoreTransaction) throws -> (String, String) {
        if let names = known[host] { return names }
        let record = try tx.host(host)
        let volunteer = try record.flatMap { try tx.volunteer($0.volunteer)?.name }
        let names = (record?.profile.name ?? "", volunteer ?? "")
        known[host] = names
        return names
    }
}
