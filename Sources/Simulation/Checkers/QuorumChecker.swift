import Domain
import Storage

/// Invariant 1: a work unit has a canonical result only with a quorum of agreeing tasks of different volunteers, or, in
/// an adaptive unit, when the window of its single result has passed.
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
        if case .adaptive(let rule) = aggregate.unit.replication.acceptance {
            return try window(of: canonical, aggregate.unit.id, rule, world)
        }
        return "unit \(aggregate.unit.id) has a canonical result by \(volunteers.count) agreeing volunteers, "
            + "not \(quorum)"
    }

    /// The result stood, and since then either a window of its host's results has passed, or nothing else of the batch
    /// was open any more.
    private func window(
        of canonical: TaskID, _ id: WorkUnitID, _ rule: AdaptiveRule, _ world: World
    ) throws -> String? {
        try world.read { tx in
            guard let entry = try tx.seriesEntry(for: canonical), entry.state == .confirmed else {
                return "unit \(id) has a canonical result without a place in its host's series"
            }
            let last = try tx.trust(of: entry.host, app: entry.app)?.lastSequence ?? 0
            let settled = try tx.firstChecking(of: entry.host, app: entry.app).map { $0 - 1 } ?? last
            if entry.sequence + Int64(rule.window) <= settled { return nil }
            let counts = try tx.counts(of: id.batch)
            let isClosed = counts.ready + counts.active + counts.comparing == 0
            return isClosed ? nil : "unit \(id) was made final before its window had passed"
        }
    }
}
