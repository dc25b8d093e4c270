import Domain
import Engine

/// Results too large for a report.
extension ClientMachine {
    mutating func pursueUploads(_ now: Timestamp, _ out: inout Outbox) {
        for task in state.tasks {
            guard case .finished(let result) = task.stage, !result.isInline, !result.uploaded else { continue }
            var transfer = uploads[task.id] ?? Transfer()
            if transfer.inFlight || transfer.notBefore.map({ now < $0 }) == true { continue }
            transfer.inFlight = true
            uploads[task.id] = transfer
            out.add(.upload(task.id, result, ticket: task.offer.uploadTicket))
        }
    }

    mutating func uploaded(_ id: TaskID) {
        uploads[id] = nil
        guard case .finished(var result)? = state[task: id]?.stage else { return }
        result.uploaded = true
        update(id) { $0.stage = .finished(result) }
    }

    /// Whatever the server says, the result is kept; only a receipt can end it. A refusal that lasts is tried ever more
    /// rarely, and shown.
    mutating func uploadFailed(_ id: TaskID, _ failure: FetchFailure, _ now: Timestamp, _ random: Double) {
        var transfer = uploads[id] ?? Transfer()
        transfer.inFlight = false
        transfer.failures += 1
        let extra: Int
        switch failure {
        case .temporary: extra = 0
        case .permanent: extra = 4
        }
        let delay = Self.transferBackOff.delaySeconds(failures: transfer.failures + extra, random: random)
        transfer.notBefore = now + TimeSpan(seconds: delay)
        uploads[id] = transfer
        problem = "upload of task \(id): \(failure.message)"
    }
}
