import Domain
import Wire

/// Invariant 7, as far as it can be seen from outside: nothing that was taken is larger than its bound, and no reply
/// holds more than a client will take.
final class BoundsChecker: Checker {
    let name = "bounds"

    func see(_ observation: Observation, _ world: World) throws -> String? {
        switch observation {
        case .unit(let aggregate, _):
            for task in aggregate.tasks {
                guard let report = task.state.report else { continue }
                if report.resultBytes > aggregate.unit.outputBytesMax {
                    return "task \(task.id) has a result of \(report.resultBytes) bytes, more than its unit allows"
                }
            }
            return nil
        case .replied(let host, let reply):
            let receipts = world.receipts(reply)?.receipts.count ?? 0
            let isBounded =
                reply.tasks.count <= Limits.tasksPerReplyMax && receipts <= Limits.reportsPerRequestMax
                && reply.abortTasks.count <= Limits.heldTasksPerRequestMax
                && reply.tasks.allSatisfy { $0.unitInline.count <= Limits.inlineBlobBytesMax }
            return isBounded ? nil : "the reply to host \(host) is beyond the limits"
        default: return nil
        }
    }
}
