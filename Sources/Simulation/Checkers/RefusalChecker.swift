import Domain

/// A request that is refused changes nothing: replays, old numbers, requests beyond the limits.
final class RefusalChecker: Checker {
    let name = "refusal"

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .refused(let host, let rows) = observation, rows > 0 else { return nil }
        return "a refused call of host \(host) has written \(rows) rows"
    }
}
