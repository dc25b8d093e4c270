import Domain
import Engine

/// Results too large for a report.
extension ClientMachine {
    mutating func pursueUploads(_ now: Timestamp, _ out: inout Outbox) {
        for task in state.tasks {
            guard case .finished(let result) = task.stage, !result.isInline, !result.uploaded else { continue }
            var transfer = uploads[task.id] ?? Transfer()
            if isUploadRefused(task) { continue }
            if transfer.inFlight || transfer.notBefore.map({ now < $0 }) == true { continue }
            transfer.inFlight = true
            uploads[task.id] = transfer
            out.add(.upload(task.id, result, ticket: task.offer.uploadTicket))
        }
    }

    /// Whether the server will take nothing more with this task's ticket: it is another's, or has expired. The result
    /// is then reported without its bytes, and the server says whether it still wants them.
    func isUploadRefused(_ task: HeldTask) -> Bool {
        uploads[task.id]?.refusedTicket == task.offer.uploadTicket
    }

    /// The server lacks the bytes. With a ticket that is good they are sent again, the first time at once; without one
    /// the client waits for a new one, and asks ever more rarely.
    mutating func resultMissing(_ id: TaskID, _ now: Timestamp, _ random: Double) {
        var transfer = uploads[id] ?? Transfer()
        transfer.timesMissing += 1
        let failures = transfer.timesMissing - (transfer.refusedTicket == nil ? 1 : 0)
        let delay = Self.transferBackOff.delaySeconds(failures: failures, random: random)
        transfer.notBefore = delay > 0 ? now + TimeSpan(seconds: delay) : nil
        uploads[id] = transfer
    }

    /// The task was offered again: the new ticket is tried.
    mutating func renewTicket(of id: TaskID, _ offer: Offer) {
        guard let task = state[task: id], case .finished = task.stage, task.offer.unit == offer.unit,
            isUploadRefused(task), task.offer.uploadTicket != offer.uploadTicket
        else { return }
        update(id) { $0.offer.uploadTicket = offer.uploadTicket }
        uploads[id]?.refusedTicket = nil
    }

    mutating func uploaded(_ id: TaskID) {
        let timesMissing = uploads[id]?.timesMissing ?? 0
        uploads[id] = timesMissing > 0 ? Transfer(timesMissing: timesMissing) : nil
        guard case .finished(var result)? = state[task: id]?.stage else { return }
        result.uploaded = true
        update(id) { $0.stage = .finished(result) }
    }

    /// Whatever the server says, the result is kept; only a receipt can end it.
    mutating func uploadFailed(_ id: TaskID, _ failure: FetchFailure, _ now: Timestamp, _ random: Double) {
        var transfer = uploads[id] ?? Transfer()
        transfer.inFlight = false
        transfer.failures += 1
        transfer.trouble = failure.message
        switch failure {
        case .temporary, .busy:
            let delay = Self.transferBackOff.delaySeconds(
                failures: transfer.failures, random: random, retryAfterSeconds: failure.retryAfterSeconds)
            transfer.notBefore = now + TimeSpan(seconds: delay)
        case .permanent:
            // The report is due at once, unless the server has just said that it lacks the result.
            transfer.refusedTicket = state[task: id]?.offer.uploadTicket
            if transfer.timesMissing == 0 { transfer.notBefore = nil }
        }
        uploads[id] = transfer
        problem = "upload of task \(id): \(failure.message)"
    }
}
