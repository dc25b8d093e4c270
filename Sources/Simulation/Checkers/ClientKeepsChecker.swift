import Domain
import Wire

/// Invariant 3, the client's half: the folder of a finished task stays until a receipt has reached this host, or the
/// server has said that nobody needs the task.
final class ClientKeepsChecker: Checker {
    let name = "client keeps"
    private var settled: Set<Held> = []

    private struct Held: Hashable {
        var host: Int
        var task: TaskID
    }

    func see(_ observation: Observation, _ world: World) -> String? {
        switch observation {
        case .replyArrived(let host, let reply):
            for task in reply.abortTasks { settle(host, task) }
            for receipt in world.receipts(reply)?.receipts ?? [] where receipt.status != .receiptResultMissing {
                settle(host, receipt.taskID)
            }
            return nil
        case .dropped(let host, let task, _):
            return settled.contains(Held(host: host, task: task))
                ? nil : "host \(host) let go of the result of task \(task) without a receipt"
        default: return nil
        }
    }

    private func settle(_ host: Int, _ task: UInt64) {
        settled.insert(Held(host: host, task: TaskID(rawValue: Int64(clamping: task))))
    }
}
