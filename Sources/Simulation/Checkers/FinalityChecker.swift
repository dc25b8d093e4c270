import Domain

/// What has ended stays ended, with the same canonical result; a verdict is never revised.
final class FinalityChecker: Checker {
    let name = "finality"

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .unit(let aggregate, let before?) = observation else { return nil }
        let (old, new) = (before.unit.state, aggregate.unit.state)
        if old.isFinal, !new.isFinal { return "unit \(aggregate.unit.id) had ended and is open again" }
        if let canonical = old.canonical, new.canonical != canonical {
            return "unit \(aggregate.unit.id) has another canonical result than before"
        }
        for task in before.tasks {
            guard case .decided(_, _, let verdict) = task.state else { continue }
            guard task.id.ordinal < aggregate.tasks.count,
                case .decided(_, _, verdict) = aggregate.tasks[task.id.ordinal].state
            else { return "the verdict on task \(task.id) was changed" }
        }
        return nil
    }
}
