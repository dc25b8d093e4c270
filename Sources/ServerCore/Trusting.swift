import Domain
import Engine
import Storage

/// What a verdict means for the host's record, and what the record means for its other results.
///
/// All of it happens in the transaction of the verdict: a failed check voids the whole window at once, or not at all.
extension ProjectServer {
    /// Results made final by one event at most; those that are left follow with the next one.
    private static let confirmedAtOnce = 200

    /// Fills in whether the result that an event brings may stand alone.
    func withStanding(
        _ event: WorkUnitEvent, of aggregate: WorkUnitAggregate, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WorkUnitEvent {
        guard case .adaptive(let rule) = aggregate.unit.replication.acceptance else { return event }
        switch event {
        case .reported(let task, let host, let report, _) where !aggregate.unit.checkEach:
            let mayStand = try mayStand(task, at: host, report.result, rule, aggregate.unit.app, in: tx, now: now)
            return .reported(task, host: host, report, mayStand: mayStand)
        case .checked(let task, .plausible, _):
            guard let record = aggregate.tasks.first(where: { $0.id == task }), let report = record.state.report,
                let host = record.state.assignment?.host
            else { return event }
            let mayStand = try mayStand(task, at: host, report.result, rule, aggregate.unit.app, in: tx, now: now)
            return .checked(task, .plausible, mayStand: mayStand)
        default: return event
        }
    }

    private func mayStand(
        _ task: TaskID, at host: HostID, _ result: Digest, _ rule: AdaptiveRule, _ app: String,
        in tx: any StoreTransaction, now: Timestamp
    ) throws -> Bool {
        guard Trust.isProven(try tx.trust(of: host, app: Trust.app(app)), rule, now: now) else { return false }
        return !Trust.isDrawn(keys.draw(.arrival, task: task, result: result), rate: rule.checkRate)
    }

    func follow(
        _ effect: TrustEffect, unit: WorkUnitRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        let app = Trust.app(unit.app)
        switch effect {
        case .entered(let task, let assignment, let state):
            var record = try record(of: assignment.host, app, in: tx)
            record.lastSequence += 1
            try tx.saveTrust(record)
            try tx.insertSeriesEntry(
                SeriesEntry(
                    task: task, host: assignment.host, app: app, sequence: record.lastSequence, state: state))
            // Also for one that was drawn: its host must not see on its account that it was.
            if try state.isStanding
                || isTrusted(record, unit.replication, now: now) && tx.ledgerEntries(for: task).isEmpty
            {
                try hold(unit.credit, for: task, assignment, in: tx, now: now)
            }
            try confirmWindow(of: assignment.host, app, unit.replication, in: tx, now: now)
        case .passed(let task, let assignment):
            // What was computed again because another result failed is no evidence: or else a host that is found out
            // would be proven again by the honest results that it sent beside the forged one. It stays void.
            if try tx.seriesEntry(for: task)?.state != .voided {
                try tx.saveTrust(Trust.passed(try record(of: assignment.host, app, in: tx), now: now))
                try move(task, to: .passed, in: tx)
            }
            try confirmWindow(of: assignment.host, app, unit.replication, in: tx, now: now)
        case .confirmed(let task, _):
            try move(task, to: .confirmed, in: tx)
        case .reopened(let task, _):
            if try tx.seriesEntry(for: task)?.state != .voided { try move(task, to: .checking, in: tx) }
        case .dropped(let task, let assignment):
            // Nobody has looked at it, so it makes nothing final; the next result that passes may.
            try voidHold(for: task, assignment, in: tx, now: now)
            try move(task, to: .dropped, in: tx)
        case .failed(let task, let assignment):
            try tx.saveTrust(Trust.failed(try record(of: assignment.host, app, in: tx), now: now))
            try voidHold(for: task, assignment, in: tx, now: now)
            try move(task, to: .failed, in: tx)
            try voidWindow(of: assignment.host, app, in: tx, now: now)
        }
    }

    private func isTrusted(_ record: TrustRecord, _ rule: ReplicationRule, now: Timestamp) -> Bool {
        guard case .adaptive(let adaptive) = rule.acceptance else { return false }
        return Trust.isProven(record, adaptive, now: now)
    }

    private func record(of host: HostID, _ app: String, in tx: any StoreTransaction) throws -> TrustRecord {
        try tx.trust(of: host, app: app) ?? TrustRecord(host: host, app: app)
    }

    /// Results of units that are not adaptive have no place in a series.
    private func move(_ task: TaskID, to state: SeriesEntry.State, in tx: any StoreTransaction) throws {
        guard var entry = try tx.seriesEntry(for: task), entry.state != state else { return }
        entry.state = state
        try tx.updateSeriesEntry(entry)
    }

    /// Makes final what is followed by a whole window of results none of which waits for its check.
    private func confirmWindow(
        of host: HostID, _ app: String, _ rule: ReplicationRule, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard case .adaptive(let adaptive) = rule.acceptance, let record = try tx.trust(of: host, app: app) else {
            return
        }
        let settled = try tx.firstChecking(of: host, app: app).map { $0 - 1 } ?? record.lastSequence
        let ready = try tx.standingSeries(
            of: host, app: app, through: settled - Int64(adaptive.window), limit: Self.confirmedAtOnce)
        for entry in ready {
            // Of another project, with a longer window, maybe.
            guard let aggregate = try tx.workUnit(entry.task.unit),
                case .adaptive(let own) = aggregate.unit.replication.acceptance, own.window <= adaptive.window
            else { continue }
            let reason = "stands, and \(own.window) later results of its host passed"
            _ = try apply(.confirmed(entry.task, reason: reason), to: aggregate, in: tx, now: now)
        }
    }

    /// Takes back everything of a host that is not final, and has it computed again.
    private func voidWindow(of host: HostID, _ app: String, in tx: any StoreTransaction, now: Timestamp) throws {
        // All of them first: computing one again may end its unit, and nothing of this host may be made final then.
        let voided = try tx.standingSeries(of: host, app: app, through: .max, limit: .max)
        for var entry in voided {
            entry.state = .voided
            try tx.updateSeriesEntry(entry)
        }
        for entry in voided {
            guard let aggregate = try tx.workUnit(entry.task.unit),
                let assignment = aggregate.tasks.first(where: { $0.id == entry.task })?.state.assignment
            else { continue }
            try voidHold(for: entry.task, assignment, in: tx, now: now)
            _ = try apply(.recheck(entry.task), to: aggregate, in: tx, now: now)
        }
    }
}
