import Domain
import Engine
import Storage

/// Invariant 6: no host gets a task that it cannot finish before the deadline by its own measured speed, its queue and
/// its availability.
///
/// A lower bound on the time, so that it is independent of how the scheduler packs tasks onto cores.
final class FeasibleChecker: Checker {
    let name = "feasible"

    func see(_ observation: Observation, _ world: World) -> String? {
        guard case .sent(let task, let host, let call) = observation else { return nil }
        let speed = host.measuredFlopsPerSecond ?? host.profile.benchmarkFlopsPerSecond
        let seconds = (call.queuedSeconds + task.flops / max(speed, 1)) / min(max(call.availability, 0.01), 1)
        // Rounding only: the scheduler uses the same figures.
        guard seconds > task.deadlineSpan.seconds * 1.000001 else { return nil }
        return "task \(task.id) needs \(Int(seconds)) s at host \(host.id), its deadline is "
            + "\(Int(task.deadlineSpan.seconds)) s away"
    }
}
