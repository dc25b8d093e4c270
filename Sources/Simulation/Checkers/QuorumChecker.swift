import Domain
import Storage

/// Invariant 1: a work unit has a canonical result only with a quorum of agreeing tasks of different volunteers.
///
/// Agreement is looked up in the results themselves: the values in the containers, not the verdicts.
final class QuorumChecker: Checker {
    let name = "quorum"

    func see(_ observation: Observation, _ world: World) throws -> String? {
        guard case .unit(let aggregate, let before) = observation, let canonical = aggregate.unit.state.canonical,
            before?.unit.state.canonical == nil
        else { return nil }
        guard aggregate.tasks.contains(where: { $0.id == canonical }),
            let report = aggregate.tasks[canonical.ordinal].state.report
        else { return "unit \(aggregate.unit.id) has the canonical task \(canonical), which has no result" }
        var volunteers: Set<VolunteerID> = []
        for task in aggregate.tasks {
            guard case .decided(let assignment, let other, let verdict) = task.state, verdict.outcome == .valid,
                try world.agree(other.result, report.result, of: aggregate.unit)
            else { continue }
            volunteers.insert(assignment.volunteer)
        }
        let quorum = aggregate.unit.replication.quorum
        guard volunteers.count < quorum else { return nil }
        return "unit \(aggregate.unit.id) has a canonical result by \(volunteers.count) agreeing volunteers, "
            + "not \(quorum)"
    }
}
