import Domain
import Engine
import Storage
import Transparency

/// Rows against rows: what can be computed anew from the tasks, the ledger and the acts in the log is computed, and
/// held against the columns that have it in short.
struct RowAudit {
    private let log: LeafAudit
    private var hosts: [HostID: HostFigures] = [:]
    private var records: [RecordKey: RecordFigures] = [:]

    /// What a host's tasks say of it.
    private struct HostFigures {
        var valid: Int64 = 0
        var invalid: Int64 = 0
        /// At least: a task that expired and was reported late has left no trace of it.
        var errors: Int64 = 0
    }

    private struct RecordKey: Hashable {
        var host: HostID
        var app: String
    }

    private struct RecordFigures {
        var verdicts = TrustRecount()
        var series = SeriesFigures()
    }

    init(_ log: LeafAudit) {
        self.log = log
    }

    mutating func look(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        for batch in try tx.batches().reversed() {
            var figures = BatchAudit(batch)
            try LogAudit.forEachUnit(of: batch.id, in: tx) { aggregate in
                figures.add(aggregate.unit, &found)
                try look(at: aggregate, in: tx, &found)
            }
            figures.look(log, &found)
        }
        // The weight of what passed depends on when the last failure was: known only now.
        for batch in try tx.batches() {
            try LogAudit.forEachUnit(of: batch.id, in: tx) { aggregate in
                try forEachVerdict(aggregate, in: tx) { $0.verdicts.weigh($1, isOptional: $2) }
            }
        }
        try lookAtHosts(in: tx, &found)
        try lookAtTrust(in: tx, &found)
    }

    private mutating func look(
        at aggregate: WorkUnitAggregate, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        if let broken = WorkUnitMachine.invariantViolation(aggregate) { found.add(broken) }
        let series = SeriesAudit(aggregate)
        for task in aggregate.tasks {
            count(task)
            if let entry = try series.look(at: task, in: tx, &found) {
                let key = RecordKey(host: entry.host, app: entry.app)
                records[key, default: RecordFigures()].series.add(entry)
            }
            try lookAtPay(of: task, aggregate.unit, in: tx, &found)
        }
        try forEachVerdict(aggregate, in: tx) { $0.verdicts.count($1, isOptional: $2) }
    }

    private mutating func count(_ task: TaskRecord) {
        guard let host = task.state.assignment?.host else { return }
        switch task.state {
        case .decided(_, _, let verdict) where verdict.outcome == .valid: hosts[host, default: .init()].valid += 1
        case .decided(_, _, let verdict) where verdict.outcome == .invalid: hosts[host, default: .init()].invalid += 1
        case .failed(_, let error) where error.code != .givenBack: hosts[host, default: .init()].errors += 1
        case .expired: hosts[host, default: .init()].errors += 1
        default: break
        }
    }

    private mutating func forEachVerdict(
        _ aggregate: WorkUnitAggregate, in tx: any StoreTransaction,
        _ body: (inout RecordFigures, Verdict, Bool) -> Void
    ) throws {
        let app = Trust.app(aggregate.unit.app)
        let isAdaptive = if case .adaptive = aggregate.unit.replication.acceptance { true } else { false }
        for task in aggregate.tasks {
            guard case .decided(let assignment, _, let verdict) = task.state else { continue }
            // What was computed again because another result failed is no evidence.
            if isAdaptive, verdict.outcome == .valid, try tx.seriesEntry(for: task.id)?.state == .voided { continue }
            // A version that kept no log kept no trust either.
            let isOptional = log.begun.map { verdict.decidedAt <= $0 } ?? false
            body(&records[RecordKey(host: assignment.host, app: app), default: RecordFigures()], verdict, isOptional)
        }
    }

    /// What a valid task earned, and nothing else has, is what the unit says.
    private func lookAtPay(
        of task: TaskRecord, _ unit: WorkUnitRecord, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        guard let assignment = task.state.assignment else { return }
        let entries = try tx.ledgerEntries(for: task.id)
        for entry in entries where entry.amount != unit.credit {
            found.add(
                "work unit \(unit.id)", "credit", stored: unit.credit.microcobblestones,
                expected: "ledger entry \(entry.number) of task \(task.id) is over \(entry.amount.microcobblestones)")
        }
        for entry in entries where (entry.credit.host ?? entry.debit.host) != assignment.host {
            found.add(
                "task \(task.id)", "host", stored: assignment.host,
                expected: "ledger entry \(entry.number) pays another")
        }
        var isValid = false
        if case .decided(_, _, let verdict) = task.state { isValid = verdict.outcome == .valid }
        let isPaid = entries.last.map { $0.kind == .grant || $0.kind == .release } ?? false
        if isValid, !isPaid, unit.credit > .zero {
            found.add("task \(task.id) is valid, and the ledger does not pay it")
        }
        if !isValid, isPaid { found.add("task \(task.id) is not valid, and the ledger pays it") }
    }

    private func lookAtHosts(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        for host in try tx.hosts() {
            let figures = hosts[host.id] ?? HostFigures()
            let row = "host \(host.id)"
            if host.validCount != figures.valid {
                found.add(row, "valid_count", stored: host.validCount, expected: "its tasks say \(figures.valid)")
            }
            if host.invalidCount != figures.invalid {
                found.add(row, "invalid_count", stored: host.invalidCount, expected: "its tasks say \(figures.invalid)")
            }
            if host.errorCount < figures.errors {
                found.add(
                    row, "error_count", stored: host.errorCount, expected: "its tasks say at least \(figures.errors)")
            }
        }
    }

    private func lookAtTrust(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        var seen: Set<RecordKey> = []
        func look(_ record: TrustRecord, _ key: RecordKey) {
            let figures = records[key] ?? RecordFigures()
            let row = "trust of host \(key.host) in \(key.app)"
            for (column, stored, expected) in figures.verdicts.differences(record) {
                found.add(row, column, stored: stored, expected: "its verdicts give \(expected)")
            }
            if record.lastSequence != figures.series.last {
                found.add(
                    row, "last_sequence", stored: record.lastSequence,
                    expected: "its series ends with \(figures.series.last)")
            }
            if let gap = figures.series.gap { found.add("series of host \(key.host) in \(key.app): \(gap)") }
        }
        for record in try tx.trustRecords() {
            let key = RecordKey(host: record.host, app: record.app)
            seen.insert(key)
            look(record, key)
        }
        for key in records.keys.filter({ !seen.contains($0) }).sorted(by: { ($0.host, $0.app) < ($1.host, $1.app) }) {
            look(TrustRecord(host: key.host, app: key.app), key)
        }
    }
}

/// One batch against its units and against the acts that the log tells of.
private struct BatchAudit {
    private let batch: BatchRecord
    private var units: Int64 = 0
    private var canonical: Int64 = 0
    private var answered: Int64 = 0

    init(_ batch: BatchRecord) {
        self.batch = batch
    }

    mutating func add(_ unit: WorkUnitRecord, _ found: inout AuditLines) {
        units += 1
        if unit.state.canonical != nil { canonical += 1 }
        switch unit.state {
        case .assembled, .purged: answered += 1
        default: break
        }
        for (column, stored, expected) in unit.replication.differences(from: batch.replication) {
            found.add("work unit \(unit.id)", column, stored: stored, expected: "its batch says \(expected)")
        }
        if Trust.app(unit.app) != batch.app {
            found.add("work unit \(unit.id)", "app", stored: unit.app, expected: "its batch says \(batch.app)")
        }
    }

    func look(_ log: LeafAudit, _ found: inout AuditLines) {
        let row = "batch \(batch.id)"
        if batch.workUnitCount != units {
            found.add(row, "work_unit_count", stored: batch.workUnitCount, expected: "\(units) units are there")
        }
        func expectAll(_ count: Int64, _ what: String) {
            guard count != units else { return }
            found.add(row, "state", stored: batch.state.word, expected: "\(count) of its \(units) units \(what)")
        }
        switch batch.state {
        case .running: break
        case .assembling: expectAll(canonical, "have a result")
        case .finished: expectAll(answered, "have gone into an answer")
        // Their units are ended after them, some at a time.
        case .failed, .cancelled: break
        }
        // Older versions told neither of the rows nor of every end.
        guard log.sealedBatches.contains(batch.id) else { return }
        if let told = log.sealedUnits[batch.id] ?? (units > 0 ? 0 : nil), told != units {
            found.add("\(row) has \(units) units, the log tells of \(told)")
        }
        let end = log.ends[batch.id]
        let act = PublicLog.endAct(of: batch.state)
        if act != end?.act {
            let says = end.map { "leaf \($0.leaf) of the log says \($0.act)" } ?? "the log tells of no end"
            found.add(row, "state", stored: batch.state.word, expected: says)
        } else if let end, batch.finishedAt != end.at {
            let stored = batch.finishedAt.map { "\($0.milliseconds)" } ?? "NULL"
            found.add(
                row, "finished_ms", stored: stored,
                expected: "leaf \(end.leaf) of the log says \(end.at.milliseconds)")
        }
    }
}

extension ReplicationRule {
    /// The columns in which a unit's rule is not its batch's.
    fileprivate func differences(
        from batch: ReplicationRule
    ) -> [(column: String, stored: String, expected: String)] {
        var all = [
            ("quorum", "\(quorum)", "\(batch.quorum)"), ("initial_tasks", "\(initial)", "\(batch.initial)"),
            ("max_total", "\(maxTotal)", "\(batch.maxTotal)"), ("max_errors", "\(maxErrors)", "\(batch.maxErrors)"),
            ("deadline_ms", "\(deadline.milliseconds)", "\(batch.deadline.milliseconds)"),
        ]
        switch (acceptance, batch.acceptance) {
        case (.adaptive(let own), .adaptive(let rule)):
            all.append(("check_rate", "\(own.checkRate)", "\(rule.checkRate)"))
            all.append(("check_window", "\(own.window)", "\(rule.window)"))
        default: all.append(("acceptance", "\(acceptance)", "\(batch.acceptance)"))
        }
        return all.filter { $0.1 != $0.2 }.map { (column: $0.0, stored: $0.1, expected: $0.2) }
    }
}
