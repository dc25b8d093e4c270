import Domain

/// What one step of a unit means for the record of a host.
public enum TrustEffect: Hashable, Sendable {
    /// A result of an adaptive unit was found plausible: it takes the next place in its host's series.
    case entered(TaskID, Assignment, SeriesEntry.State)
    /// A second result or a proof confirmed it.
    case passed(TaskID, Assignment)
    /// Its window had passed: final, but nobody looked, so no evidence.
    case confirmed(TaskID, Assignment)
    /// A check or the canonical result refuted it.
    case failed(TaskID, Assignment)
    /// The unit ended without a verdict on it.
    case dropped(TaskID, Assignment)
    /// A result that stood is computed again, or compared with a second one.
    case reopened(TaskID, Assignment)
}

extension Trust {
    /// What changed between two states of a unit, as far as trust goes, in order of task number.
    ///
    /// Read off the states, so that no way through the machine can forget to say it.
    public static func effects(_ before: WorkUnitAggregate, _ after: WorkUnitAggregate) -> [TrustEffect] {
        let isAdaptive = if case .adaptive = after.unit.replication.acceptance { true } else { false }
        let standing = after.unit.state.provisional
        let stood = before.unit.state.provisional
        var effects: [TrustEffect] = []
        for (at, task) in after.tasks.enumerated() {
            let old = at < before.tasks.count ? before.tasks[at].state : .unsent
            if isAdaptive, isPlausible(task.state) || isDecided(task.state), !isPlausible(old), !isDecided(old),
                let assignment = task.state.assignment, !isRefutedUnseen(task.state)
            {
                effects.append(.entered(task.id, assignment, standing == task.id ? .provisional : .checking))
            } else if stood == task.id, standing != task.id, isPlausible(task.state),
                let assignment = task.state.assignment
            {
                effects.append(.reopened(task.id, assignment))
            }
            if let effect = verdict(old, task, stood: stood) { effects.append(effect) }
        }
        return effects
    }

    private static func verdict(_ old: TaskState, _ task: TaskRecord, stood: TaskID?) -> TrustEffect? {
        guard case .decided(let assignment, _, let verdict) = task.state, !isDecided(old) else { return nil }
        switch verdict.outcome {
        case .valid:
            if verdict.comparedWith != nil || wasProven(old, verdict) { return .passed(task.id, assignment) }
            return .confirmed(task.id, assignment)
        case .invalid: return .failed(task.id, assignment)
        case .inconclusive, .tooLate: return .dropped(task.id, assignment)
        }
    }

    private static func isPlausible(_ state: TaskState) -> Bool {
        if case .reported(_, _, let check) = state { check != .pending } else { false }
    }

    private static func isDecided(_ state: TaskState) -> Bool {
        if case .decided = state { true } else { false }
    }

    /// Malformed, refuted or dropped before anybody found it plausible: it never had a place in the series.
    private static func isRefutedUnseen(_ state: TaskState) -> Bool {
        if case .decided(_, _, let verdict) = state { verdict.outcome != .valid } else { false }
    }

    private static func wasProven(_ old: TaskState, _ verdict: Verdict) -> Bool {
        if case .reported(_, _, .proven) = old { return true }
        return verdict.reason == WorkUnitTransition.provenReason
    }
}
