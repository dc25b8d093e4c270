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
    /// tasks, ledger entries, the sums of host and volunteer, the host's counts, speed and trust.
    ///
    /// All of it is in the caller's transaction. A crash before its commit leaves the state before the event, and
    /// whoever sent the event sends it again (the host its report, the validator its verdict, the tick its timer); a
    /// crash after it leaves everything done, and the repeated event changes nothing.
    func apply(
        _ event: WorkUnitEvent, to aggregate: WorkUnitAggregate, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Applied {
        let told = try told(aggregate, in: tx)
        let event = try withStanding(event, of: aggregate, in: tx, now: now)
        let step = WorkUnitMachine.step(aggregate, event, now: now)
        var ended = false
        if step.aggregate != aggregate { try tx.saveWorkUnit(step.aggregate) }
        for action in step.actions {
            switch action {
            case .grantCredit(let task, let assignment, let amount):
                try pay(amount, for: task, assignment, in: tx, now: now)
            case .countVerdict(_, let assignment, let count, let report):
                try self.count(count, at: assignment.host, report, unit: step.aggregate.unit, in: tx)
            case .unitEnded:
                ended = true
            }
        }
        for effect in Trust.effects(aggregate, step.aggregate) {
            try follow(effect, unit: step.aggregate.unit, in: tx, now: now)
        }
        try logUnit(aggregate, step.aggregate, told: told, in: tx, now: now)
        return Applied(aggregate: step.aggregate, disposition: step.disposition, ended: ended)
    }

    /// Loads the unit and applies; nil when there is no such unit.
    func apply(
        _ event: WorkUnitEvent, toUnit id: WorkUnitID, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Applied? {
        guard let aggregate = try tx.workUnit(id) else { return nil }
        return try apply(event, to: aggregate, in: tx, now: now)
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
