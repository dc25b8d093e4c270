import Domain
import Engine

/// What must hold of every step, whatever came before; the first law that is broken, in words.
enum EdgeLaws {
    static func violation(_ edge: Explorer.Edge) -> String? {
        let found =
            WorkUnitMachine.invariantViolation(edge.step.aggregate) ?? absorption(edge) ?? actions(edge)
            ?? disposition(edge)
        return found.map { "\($0)\nafter \(edge.event)\nin \(edge.before)" }
    }

    /// Ends stay ends: of the unit, and of its tasks.
    private static func absorption(_ edge: Explorer.Edge) -> String? {
        let before = edge.before.unit.state
        let after = edge.step.aggregate.unit.state
        if before.isFinal, before != after {
            guard case .validated(let canonical) = before, after == .assembled(canonical: canonical) else {
                return "left the final state \(before) for \(after)"
            }
        }
        if after == .ready, before != .ready { return "became ready again" }
        for (old, new) in zip(edge.before.tasks, edge.step.aggregate.tasks) {
            switch old.state {
            case .notNeeded where !edge.before.unit.state.isFinal && new.state == .unsent: break
            case .decided, .failed, .aborted, .notNeeded:
                if old != new { return "task \(old.id) left \(old.state)" }
            case .unsent, .sent, .reported, .expired: break
            }
        }
        let added = edge.step.aggregate.tasks.dropFirst(edge.before.tasks.count)
        return added.allSatisfy { $0.state == .unsent } ? nil : "made a task that is not unsent"
    }

    /// Credit goes exactly to the tasks that became valid, and each end of a task is counted once.
    private static func actions(_ edge: Explorer.Edge) -> String? {
        if edge.step.aggregate == edge.before, !edge.step.actions.isEmpty { return "acts without a change" }
        var expected: [WorkUnitAction] = []
        for (old, new) in zip(edge.before.tasks, edge.step.aggregate.tasks) where old != new {
            switch new.state {
            case .decided(let assignment, let report, let verdict):
                let count: HostCount =
                    switch verdict.outcome {
                    case .valid: .valid
                    case .invalid: .invalid
                    case .inconclusive, .tooLate: .none
                    }
                expected.append(.countVerdict(new.id, assignment, count, report))
                if verdict.outcome == .valid {
                    expected.append(.grantCredit(new.id, assignment, edge.before.unit.credit))
                }
            case .failed(let assignment, let error):
                if case .expired = old.state { break }
                expected.append(.countVerdict(new.id, assignment, error.code == .givenBack ? .none : .error, nil))
            case .expired(let assignment): expected.append(.countVerdict(new.id, assignment, .error, nil))
            case .unsent, .sent, .reported, .aborted, .notNeeded: break
            }
        }
        if !edge.before.unit.state.isFinal, edge.step.aggregate.unit.state.isFinal { expected.append(.unitEnded) }
        let isSame =
            expected.count == edge.step.actions.count && Set(expected) == Set(edge.step.actions)
        return isSame ? nil : "does \(edge.step.actions), expected \(expected)"
    }

    /// A report has an answer, and the answer says what happened to it.
    private static func disposition(_ edge: Explorer.Edge) -> String? {
        let named: TaskID? =
            switch edge.event {
            case .reported(let task, _, _, _), .taskFailed(let task, _, _): task
            case .assigned, .deadlinePassed, .checked, .compared, .assembled, .cancelled, .confirmed, .recheck,
                .waitedInVain:
                nil
            }
        guard let named else { return edge.step.disposition == nil ? nil : "answers an event that is no report" }
        guard let disposition = edge.step.disposition else { return "leaves a report without an answer" }
        let isChanged = edge.before.tasks != Array(edge.step.aggregate.tasks.prefix(edge.before.tasks.count))
        switch disposition {
        case .accepted, .late: return isChanged ? nil : "says \(disposition) and keeps nothing of \(named)"
        case .duplicate: return isChanged ? "changes something by a duplicate" : nil
        case .notNeeded:
            switch edge.before.unit.state {
            case .purged, .assembled: return nil
            default: break
            }
            return isChanged ? "changes something by a report that is not needed" : nil
        }
    }
}
