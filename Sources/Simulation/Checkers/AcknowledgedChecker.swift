import Bytes
import Domain
import ServerCore
import Storage
import Wire

/// Invariant 3, the server's half: what a receipt names is in the store, with its bytes, at once and for ever.
final class AcknowledgedChecker: Checker {
    let name = "acknowledged"
    private var promised: [TaskID: Digest] = [:]

    func see(_ observation: Observation, _ world: World) throws -> String? {
        switch observation {
        case .replied(let host, let reply):
            guard let receipts = world.receipts(reply) else { return nil }
            for receipt in receipts.receipts {
                if let wrong = try check(receipt, of: host, world) { return wrong }
            }
            return nil
        case .pause, .serverDied, .end:
            for (task, digest) in promised.sorted(by: { $0.key < $1.key }) {
                if let wrong = try isKept(task, digest, world) { return wrong }
            }
            return nil
        default: return nil
        }
    }

    private func check(_ receipt: WireReceipt, of host: HostID, _ world: World) throws -> String? {
        switch receipt.status {
        case .receiptAccepted, .receiptLate, .receiptDuplicate: break
        case .receiptNotNeeded, .receiptResultMissing, .receiptUnspecified, .UNRECOGNIZED: return nil
        }
        let task = world.server.core.keys.task(numbered: Int64(clamping: receipt.taskID))
        // A failure has no result.
        guard let digest = Digest(bytes: receipt.resultSha256) else { return nil }
        promised[task] = digest
        return try isKept(task, digest, world)
    }

    private func isKept(_ task: TaskID, _ digest: Digest, _ world: World) throws -> String? {
        let report = try world.read { tx in
            try tx.workUnit(task.unit)?.tasks.first { $0.id == task }?.state.report
        }
        guard report?.result == digest else { return "task \(task) has a receipt, and the store has no such report" }
        guard let size = try world.server.trueBlobs.size(of: digest), size == report?.resultBytes else {
            return "task \(task) has a receipt, and its result is not in the blob store"
        }
        return nil
    }
}
