import Domain
import Storage

/// Where no two hosts can agree on a forgery, a canonical result is the true one.
final class TruthChecker: Checker {
    let name = "truth"

    func see(_ observation: Observation, _ world: World) throws -> String? {
        guard !world.options.mayCollude, case .unit(let aggregate, let before) = observation,
            let canonical = aggregate.unit.state.canonical, before?.unit.state.canonical == nil
        else { return nil }
        return try world.isTrue(canonical, of: aggregate)
            ? nil : "unit \(aggregate.unit.id) has a canonical result that is wrong, and nobody colludes"
    }
}
