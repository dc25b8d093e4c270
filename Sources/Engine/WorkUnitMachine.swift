import Domain

/// Decides what follows when one event reaches one work unit.
///
/// Pure: reads no clock, store or randomness; replaying the same events gives the same states. The tables in
/// `docs/state-machines.md` have a row for every event in every state, and a test compares them with this code.
public enum WorkUnitMachine {
    /// A new unit with `replication.initial` unsent tasks.
    ///
    /// A replication rule that no run could satisfy (the manifest check refuses it long before) gives a unit that has
    /// failed as `unusable` and has no tasks, so that a corrupt row cannot bring the server down.
    public static func create(_ unit: WorkUnitRecord) -> WorkUnitAggregate {
        var unit = unit
        if let fault = fault(in: unit.replication) {
            unit.state = .failed(.unusable(fault))
            return WorkUnitAggregate(unit: unit, tasks: [])
        }
        unit.state = .ready
        let tasks = (0..<unit.replication.initial).map {
            TaskRecord(id: TaskID(unit: unit.id, ordinal: $0), state: .unsent)
        }
        return WorkUnitAggregate(unit: unit, tasks: tasks)
    }

    /// - Parameter now: server time; a clock that went backwards leaves `updatedAt` where it was.
    /// - Returns: the new aggregate (its revision untouched: the store counts it) and what the shell must do.
    public static func step(
        _ aggregate: WorkUnitAggregate, _ event: WorkUnitEvent, now: Timestamp
    ) -> WorkUnitStep {
        var transition = WorkUnitTransition(aggregate, now: now)
        switch event {
        case .assigned(let task, let assignment): transition.assign(task, assignment)
        case .reported(let task, let host, let report, let mayStand):
            transition.report(task, host: host, report, mayStand: mayStand)
        case .taskFailed(let task, let host, let error): transition.fail(task, host: host, error)
        case .deadlinePassed(let task): transition.expire(task)
        case .checked(let task, let outcome, let mayStand): transition.check(task, outcome, mayStand: mayStand)
        case .compared(let comparisons): transition.compare(comparisons)
        case .assembled: transition.assemble()
        case .cancelled: transition.cancel()
        case .confirmed(let task, let reason): transition.confirm(task, reason)
        case .recheck(let task): transition.recheck(task)
        case .waitedInVain: transition.giveUpWaiting()
        }
        return transition.finished(from: aggregate)
    }

    /// The shortest wait for a further volunteer.
    public static let waitMin = TimeSpan(seconds: 30 * 86_400)
    /// Deadlines of a unit that are waited for a further volunteer.
    static let waitDeadlines: Int64 = 10

    /// How long a unit that was begun waits for a further volunteer with nothing out: 30 days, or ten times its
    /// deadline when that is longer.
    ///
    /// A volunteer gets one task of a unit and never a second, so where few take part an unsent task may suit nobody
    /// who will ever come. Without an end to this wait the batch would never have one.
    public static func waitMax(_ rule: ReplicationRule) -> TimeSpan {
        let deadlines = min(rule.deadline.milliseconds, Int64.max / waitDeadlines) * waitDeadlines
        return max(waitMin, TimeSpan(milliseconds: deadlines))
    }

    /// What makes a replication rule impossible; nil when it is sound.
    static func fault(in rule: ReplicationRule) -> String? {
        if rule.quorum < 1 || rule.quorum > Limits.quorumMax {
            return "quorum is \(rule.quorum), expected 1 to \(Limits.quorumMax)"
        }
        if rule.maxTotal < rule.quorum || rule.maxTotal > Limits.replicasMax {
            return "max total is \(rule.maxTotal), expected \(rule.quorum) (the quorum) to \(Limits.replicasMax)"
        }
        let initialMin = rule.acceptance.trustsSingle ? 1 : rule.quorum
        if rule.initial < initialMin || rule.initial > rule.maxTotal {
            return "initial is \(rule.initial), expected \(initialMin) to \(rule.maxTotal) (max total)"
        }
        if rule.acceptance.trustsSingle, rule.quorum < 2 { return "quorum is \(rule.quorum), expected 2 or more" }
        if case .adaptive(let adaptive) = rule.acceptance {
            if !(adaptive.checkRate > 0 && adaptive.checkRate <= 1) {
                return "check rate is \(adaptive.checkRate), expected above 0 and at most 1"
            }
            if adaptive.window < 1 || adaptive.window > Limits.windowMax {
                return "window is \(adaptive.window), expected 1 to \(Limits.windowMax)"
            }
        }
        if rule.maxErrors < 1 { return "max errors is \(rule.maxErrors), expected 1 or more" }
        return nil
    }
}
