import ClientCore
import Domain

/// No over-fetch: after a reply a client holds, for each core, its buffer and one task at most, and never more tasks
/// than its settings say.
///
/// By the server's estimates; the client corrects them by what it has measured, so there is room for that.
final class OverFetchChecker: Checker {
    let name = "over-fetch"

    /// What all clients are told to hold for each core.
    static let bufferSeconds = 60.0
    private static let heldTasksPerCoreMax = 16

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .tookTasks(let host, let tasks, let cores) = observation else { return nil }
        let open = tasks.filter { !$0.stage.isOver }
        let left = open.map { $0.offer.estimatedSeconds * (1 - ($0.fraction ?? 0)) }
        let bound = Double(cores) * (OverFetchChecker.bufferSeconds + (left.max() ?? 0))
        if left.reduce(0, +) > 1.5 * bound {
            return "host \(host) holds \(Int(left.reduce(0, +))) s of work; its buffer and a task for each core are "
                + "\(Int(bound)) s"
        }
        if open.count > cores * OverFetchChecker.heldTasksPerCoreMax { return "host \(host) holds \(open.count) tasks" }
        return nil
    }
}
