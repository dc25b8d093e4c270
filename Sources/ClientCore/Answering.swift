import Bytes
import Domain
import Engine
import FoundationEssentials
import Wire

/// What a reply of the scheduler changes.
extension ClientMachine {
    mutating func take(
        _ reply: WireSchedulerReply, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        let inFlight = call.inFlight
        call.inFlight = nil
        if call.failures > 0 { out.say("the server answers again") }
        call.failures = 0
        call.failingSince = nil
        call.staleInRow = 0
        call.lastContact = now
        problem = nil
        state.account.creditMicrocobblestones = reply.creditMicrocobblestones
        state.account.provisionalMicrocobblestones = reply.provisionalMicrocobblestones
        state.account.validTasks = Int64(clamping: reply.validTasks)
        state.account.invalidTasks = Int64(clamping: reply.invalidTasks)

        let settled = takeReceipts(reply, now, random, &out)
        abort(reply.abortTasks, &out)
        let (taken, declined) = takeOffers(reply, now, &out)

        let wish = reply.nextCallSeconds.isFinite ? min(max(reply.nextCallSeconds, 0), 86_400) : 0
        var delay = wish
        if let reported = inFlight?.reported, !reported.isEmpty, !settled {
            // The server took the report and gave no receipt that we believe: not at once again.
            call.failures += 1
            delay = max(wish, Self.callBackOff.delaySeconds(failures: call.failures, random: random))
        }
        call.notBefore = now + TimeSpan(seconds: delay)
        noteWork(wanted: inFlight?.wanted ?? 0, taken: taken, declined: declined, reply, wish, now, random)
    }

    private mutating func noteWork(
        wanted: Int, taken: Int, declined: Int, _ reply: WireSchedulerReply, _ wish: Double, _ now: Timestamp,
        _ random: Double
    ) {
        if wanted > 0 {
            call.noWorkReasons = taken > 0 ? [] : reply.noWorkReasons.prefix(8).map { Self.line($0) }
            call.emptyReplies = taken > 0 ? 0 : call.emptyReplies + 1
            if taken == 0 { call.term = call.term.other }
            // With nothing to give there is no round, and nothing to wait for.
            roundIsGiven = true
        }
        if taken == 0, declined > 0 {
            call.declinedInRow += 1
        } else if wanted > 0 {
            call.declinedInRow = 0
        }
        if taken > 0 { lastBusy = now }
        var wait = Self.emptyBackOff.delaySeconds(failures: call.emptyReplies, random: random)
        // The wish is about work, not about a server in need: work that comes should not wait twice as long for it.
        if call.emptyReplies > 0, wish > 0 { wait = max(wait, wish + random * Self.emptyBackOff.minimumSeconds) }
        // A server that offers what cannot be done here has little else, or believes other figures.
        wait = max(wait, Self.declineBackOff.delaySeconds(failures: call.declinedInRow, random: random))
        call.noWorkBefore = now + TimeSpan(seconds: wait)
    }

    /// - Returns: whether there was nothing to settle, or something was.
    private mutating func takeReceipts(
        _ reply: WireSchedulerReply, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) -> Bool {
        guard !reply.receipts.isEmpty else { return false }
        let receipts: WireReceipts
        switch ReceiptCheck.verify(reply, attachment: state.attachment) {
        case .failure(let refusal):
            problem = refusal.reason
            out.say(refusal.reason)
            return false
        case .success(let verified): receipts = verified
        }
        var settled = false
        var isWorthKeeping = false
        for receipt in receipts.receipts {
            let id = TaskID(rawValue: Int64(clamping: receipt.taskID))
            guard let task = state[task: id], task.stage.isOver else { continue }
            let isTaken = take(receipt, task, now, random, &out)
            settled = isTaken || settled
            isWorthKeeping = isWorthKeeping || isTaken && receipt.isForResult
        }
        if isWorthKeeping, reply.receipts.count <= SignedReceipts.bytesMax {
            out.first(
                .keepReceipts(
                    SignedReceipts(
                        key: state.attachment.projectKey, receipts: Array(reply.receipts),
                        signature: Array(reply.receiptsSignature))))
        }
        return settled
    }

    /// - Returns: whether the receipt changed something.
    private mutating func take(
        _ receipt: WireReceipt, _ task: HeldTask, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) -> Bool {
        switch ReceiptCheck.meaning(of: receipt, for: task) {
        case .kept:
            switch task.stage {
            case .finished: state.totals.reportedResults += 1
            case .failed: state.totals.reportedFailures += 1
            case .offered, .ready: break
            }
            forget(task.id, &out)
            return true
        case .missing:
            guard case .finished(var result) = task.stage, result.uploaded || isUploadRefused(task) else {
                return false
            }
            resultMissing(task.id, now, random)
            result.uploaded = false
            update(task.id) { $0.stage = .finished(result) }
            return true
        case .doubtful(let why):
            problem = "task \(task.id): \(why)"
            out.say("task \(task.id) is kept: \(why)")
            return false
        }
    }

    /// Tasks that nobody needs any more. A finished result stays until its receipt: the list is not signed.
    private mutating func abort(_ ids: [UInt64], _ out: inout Outbox) {
        for number in ids.prefix(Limits.heldTasksPerRequestMax) {
            let id = TaskID(rawValue: Int64(clamping: number))
            guard let task = state[task: id], !task.stage.isOver else { continue }
            out.say("task \(id) is no longer needed")
            if let run = runs[id] {
                runs[id]?.isAborted = true
                guard run.phase != .starting, !run.isKilled else { continue }
                runs[id]?.isKilled = true
                out.add(.killWorker(id))
            } else {
                forget(id, &out)
            }
        }
    }

    private mutating func takeOffers(
        _ reply: WireSchedulerReply, _ now: Timestamp, _ out: inout Outbox
    ) -> (taken: Int, declined: Int) {
        guard !reply.tasks.isEmpty else { return (0, 0) }
        var (taken, declined) = (0, 0)
        let open = state.tasks.reduce(0) { $0 + ($1.stage.isOver ? 0 : 1) }
        let held = plannedTasks(now, part: offerPart)
        var intake = Intake(held, others: open - held.count, cores: cores, buffer: buffer)
        var arrival = state.tasks.compactMap(\.arrival).max() ?? 0
        for message in reply.tasks.prefix(Limits.tasksPerReplyMax) {
            guard let offer = Offer(message, serverNow: reply.serverTimeMs, now: now) else { continue }
            renewTicket(of: offer.task, offer)
            guard state[task: offer.task] == nil, state.tasks.count < Limits.heldTasksPerRequestMax else { continue }
            var task = HeldTask(offer: offer)
            arrival += 1
            task.arrival = arrival
            state[task: offer.task] = task
            needsSave = true
            if let why = objection(to: task, &intake, now) {
                declined += 1
                state[task: offer.task]?.stage = .failed(code: .givenBack, message: why)
                out.say("task \(offer.task) is not taken: \(why)")
                continue
            }
            taken += 1
            noteTypical(offer.estimatedSeconds)
            if !message.unitInline.isEmpty { verify(offer.task, Array(message.unitInline), &out) }
        }
        return (taken, declined)
    }

    /// Why an offered task goes back at once; nil: it is taken.
    private func objection(to task: HeldTask, _ intake: inout Intake, _ now: Timestamp) -> String? {
        let planned = planned(task, now, part: offerPart)
        if let left = walltimeLeft(now), planned.seconds > left * offerPart {
            return
                "it needs \(HoursText.words(planned.seconds)); this client ends in \(HoursText.words(left))"
        }
        return intake.take(planned)?.reason
    }

    private mutating func noteTypical(_ seconds: Double) {
        guard seconds > 0 else { return }
        state.typicalTaskSeconds = state.typicalTaskSeconds.map { $0 + 0.3 * (seconds - $0) } ?? seconds
    }

    /// One line of text from outside, fit for a terminal.
    static func line(_ text: String) -> String {
        PrintableText.clean(String(String.UnicodeScalarView(text.unicodeScalars.prefix(300))))
    }
}

extension Offer {
    /// - Parameter serverNow: the server's clock in the same reply; its difference to ours is taken off the deadline.
    /// - Returns: nil for an offer that is none; the server will make it again.
    init?(_ message: WireTaskOffer, serverNow: UInt64, now: Timestamp) {
        guard message.taskID > 0, message.taskID < 1 << 63, let unit = Digest(bytes: message.unitSha256),
            message.unitBytes <= UInt64(Limits.workUnitBytesMax), message.uploadTicket.utf8.count <= 4096,
            message.project.utf8.count <= Limits.projectNameBytesMax, message.flops.isFinite,
            message.estimatedSeconds.isFinite, message.estimatedSeconds >= 0
        else { return nil }
        let left = Double(message.deadlineMs) - Double(serverNow == 0 ? message.deadlineMs : serverNow)
        let deadline =
            serverNow == 0
            ? Timestamp(milliseconds: Int64(clamping: message.deadlineMs)) : now + TimeSpan(seconds: left / 1000)
        self.init(
            task: TaskID(rawValue: Int64(message.taskID)), project: message.project, unit: unit,
            unitBytes: Int64(message.unitBytes), deadline: deadline,
            estimatedSeconds: min(message.estimatedSeconds, Limits.deadlineSecondsMax),
            uploadTicket: message.uploadTicket, flops: message.flops)
    }
}
