import Domain

/// Invariant 5: a volunteer never gets a second replica of a unit, and a task never changes hands.
final class ReplicaChecker: Checker {
    let name = "replicas"
    private var holders: [WorkUnitID: [VolunteerID: TaskID]] = [:]

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .unit(let aggregate, let before) = observation else { return nil }
        for task in aggregate.tasks {
            guard let assignment = task.state.assignment else { continue }
            if let before, task.id.ordinal < before.tasks.count,
                let old = before.tasks[task.id.ordinal].state.assignment, old != assignment
            {
                return "task \(task.id) went from host \(old.host) to host \(assignment.host)"
            }
            let other = holders[task.id.unit, default: [:]].updateValue(task.id, forKey: assignment.volunteer)
            if let other, other != task.id {
                return "volunteer \(assignment.volunteer) has the tasks \(other) and \(task.id) of one unit"
            }
        }
        return nil
    }
}
