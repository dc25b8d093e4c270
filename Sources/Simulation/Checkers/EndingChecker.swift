import Domain
import Storage

/// Invariant 4: every work unit ends within the bound once the faults are over; one without a result says why.
final class EndingChecker: Checker {
    let name = "ending"

    func see(_ observation: Observation, _ world: World) throws -> String? {
        guard case .end = observation, world.isOver else { return nil }
        let open = try world.read { tx in
            try tx.workUnits(of: BatchID(rawValue: 1), fromIndex: 0, limit: .max).filter { !$0.unit.state.isFinal }
        }
        let made = try world.read { try $0.batch(BatchID(rawValue: 1))?.workUnitCount ?? 0 }
        if made < Int64(world.options.units) { return "\(made) of \(world.options.units) units were made" }
        guard let first = open.first else {
            return world.hasEnded ? nil : "every unit has ended, and the batch has not"
        }
        return "\(open.count) units have not ended, the first of them \(first.unit.id): \(first.unit.state), "
            + first.tasks.map { "\($0.state)".prefix(while: { $0 != "(" }) }.joined(separator: " ")
    }
}
