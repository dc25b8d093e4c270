import Domain
import Engine
import Storage

/// What an event did to a work unit.
struct Applied {
    var aggregate: WorkUnitAggregate
    var disposition: ReportDisposition?
    /// The unit ended by this event.
    var ended: Bool
}

extension ProjectServer {
    /// Sends one event through the work-unit machine and writes everything that follows from it: the unit and its
    /// tasks, the ledger entry, the sums of host and volunteer, the host's counts and speed.
    ///
    /// All of it is in the caller's transaction. A crash before its commit leaves the state before the event, and
    /// whoever sent the event sends it again (the host its report, the validator its verdict, the tick its timer); a
    /// crash after it leaves everything done, and the repeated event changes nothing.
    func apply(
        _ event: WorkUnitEvent, to aggregate: WorkUnitAggregate, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Applied {
        let step = WorkUnitMachine.step(aggregate, event, now: now)
        var ended = false
        if step.aggregate != aggregate { try tx.saveWorkUnit(step.aggregate) }
        for action in step.actions {
            switch action {
            case .grantCredit(let task, let assignment, let amount):
                try grant(amount, for: task, assignment, in: tx, now: now)
            case .countVerdict(_, let assignment, let count, let report):
                try self.count(count, at: assignment.host, report, unit: step.aggregate.unit, in: tx)
            case .unitEnded:
                ended = true
            }
        }
        return Applied(aggregate: step.aggregate, disposition: step.disposition, ended: ended)
    }

    /// Loads the unit and applies; nil when there is no such unit.
    func apply(
        _ event: WorkUnitEvent, toUnit id: WorkUnitID, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Applied? {
        guard let aggregate = try tx.workUnit(id) else { return nil }
        return try apply(event, to: aggregate, in: tx, now: now)
    }

    /// One ledger entry, and the same amount on the host's and the volunteer's row.
    private func grant(
        _ amount: Credit, for task: TaskID, _ assignment: Assignment, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard let batch = try tx.batch(task.unit.batch) else {
            throw StoreError.missing("batch \(task.unit.batch) of task \(task)")
        }
        // The store refuses a second entry for a task; the machine never asks for one.
        _ = try tx.appendLedger(
            Ledger.entry(for: task, assignment, amount: amount, project: batch.project, at: now))
        guard var host = try tx.host(assignment.host), var volunteer = try tx.volunteer(host.volunteer) else {
            throw StoreError.missing("host \(assignment.host) of task \(task)")
        }
        host.credit = host.credit + amount
        try tx.updateHost(host)
        volunteer.credit = volunteer.credit + amount
        try tx.updateVolunteer(volunteer)
    }

    private func count(
        _ count: HostCount, at id: HostID, _ report: TaskReport?, unit: WorkUnitRecord, in tx: any StoreTransaction
    ) throws {
        guard count != .none, var host = try tx.host(id) else { return }
        switch count {
        case .valid:
            host.validCount += 1
            if let report {
                host.measuredFlopsPerSecond = HostSpeed.updated(
                    host.measuredFlopsPerSecond, flops: unit.flops, wallSeconds: report.wallSeconds)
            }
        case .invalid: host.invalidCount += 1
        case .error: host.errorCount += 1
        case .none: break
        }
        try tx.updateHost(host)
    }
}
