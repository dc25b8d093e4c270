import Domain
import Engine

/// The names of states and events as `docs/state-machines.md` writes them.
enum StateName {
    static func of(_ state: WorkUnitState) -> String {
        switch state {
        case .ready: "ready"
        case .active: "active"
        case .comparing: "comparing"
        case .provisional: "provisional"
        case .validated: "validated"
        case .assembled: "assembled"
        case .purged: "purged"
        case .failed(.tooManyErrors): "failed (too many errors)"
        case .failed(.noAgreement): "failed (no agreement)"
        case .failed(.unusable): "failed (unusable)"
        case .cancelled: "cancelled"
        }
    }

    static let tasks = [
        "unsent", "sent", "pending", "plausible", "decided", "failed", "expired", "aborted", "not needed",
    ]

    static func of(_ state: TaskState) -> String {
        switch state {
        case .unsent: "unsent"
        case .sent: "sent"
        case .reported(_, _, .pending): "pending"
        case .reported: "plausible"
        case .decided: "decided"
        case .failed: "failed"
        case .expired: "expired"
        case .aborted: "aborted"
        case .notNeeded: "not needed"
        }
    }

    static func verdict(_ state: TaskState) -> String {
        guard case .decided(_, _, let verdict) = state else { return of(state) }
        return switch verdict.outcome {
        case .valid: "valid"
        case .invalid: "invalid"
        case .inconclusive: "inconclusive"
        case .tooLate: "too late"
        }
    }

    static let events = [
        "assigned", "assigned to a volunteer who has one", "reported", "reported by another host", "task failed",
        "task failed, says another host", "deadline passed", "checked", "compared", "assembled", "cancelled",
        "confirmed", "recheck", "waited in vain",
    ]

    /// The name of an event as it meets a unit.
    static func of(_ event: WorkUnitEvent, in aggregate: WorkUnitAggregate) -> String {
        switch event {
        case .assigned(_, let assignment):
            let isTaken = aggregate.tasks.contains { $0.state.assignment?.volunteer == assignment.volunteer }
            return isTaken ? "assigned to a volunteer who has one" : "assigned"
        case .reported(let task, let host, _, _):
            return isHolder(host, task, aggregate) ? "reported" : "reported by another host"
        case .taskFailed(let task, let host, _):
            return isHolder(host, task, aggregate) ? "task failed" : "task failed, says another host"
        case .deadlinePassed: return "deadline passed"
        case .checked: return "checked"
        case .compared: return "compared"
        case .assembled: return "assembled"
        case .cancelled: return "cancelled"
        case .confirmed: return "confirmed"
        case .recheck: return "recheck"
        case .waitedInVain: return "waited in vain"
        }
    }

    private static func isHolder(_ host: HostID, _ task: TaskID, _ aggregate: WorkUnitAggregate) -> Bool {
        aggregate.tasks.first { $0.id == task }?.state.assignment?.host == host
    }

    /// The task that an event names; nil for events of the whole unit.
    static func task(of event: WorkUnitEvent) -> TaskID? {
        switch event {
        case .assigned(let task, _), .reported(let task, _, _, _), .taskFailed(let task, _, _),
            .deadlinePassed(let task),
            .checked(let task, _, _), .confirmed(let task, _), .recheck(let task):
            task
        case .compared, .assembled, .cancelled, .waitedInVain: nil
        }
    }

    static func of(_ disposition: ReportDisposition) -> String {
        disposition == .notNeeded ? "not needed" : "\(disposition)"
    }
}
