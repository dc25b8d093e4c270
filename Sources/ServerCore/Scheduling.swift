import Bytes
import Domain
import Engine
import Storage
import Wire

/// What a scheduler call did, before it is signed and filled.
public struct ScheduleOutcome: Sendable {
    public var reply: HotReply
    var receipts: HotReceipts
    /// Whether the host can tell its receipts without seeing them, as short calls allow.
    var areReceiptsKnown = false
    var form = WireCallForm.callFull
    /// Results that came inside of the call and are to be blobs before the transaction is committed.
    public var blobs: [[UInt8]] = []
    /// Tasks sent for the first time, for the day's count of this host.
    public var newlySent: Int
}

extension ProjectServer {
    /// One call of a host: reports in, receipts and tasks out.
    ///
    /// Inline results were put as blobs before. A crash before the commit leaves nothing of the call; the host repeats
    /// it with a higher number. A crash after it loses the reply: the host repeats, its reports are duplicates, and
    /// tasks that were sent and that it does not hold are sent again.
    /// - Parameter sentLastDay: tasks sent to this host in the last 24 hours.
    /// - Parameter keepInline: results that came inside of the call and have at most so many bytes are handed on in
    ///   `ScheduleOutcome.blobs`; all others must be blobs already.
    /// - Parameter crowd: who has been seen lately, at most minutes old; nil: looked up for this call.
    public func schedule(
        _ call: SchedulerCall, host id: HostID, sequence: Int64, sentLastDay: Int, crowd: Crowd? = nil,
        keepInline: Int = 0, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<ScheduleOutcome, RequestRefusal> {
        guard var host = try tx.host(id) else {
            return .failure(RequestRefusal(.unknownHost, "there is no host \(id)", advice: "attach again"))
        }
        if let refusal = try removalRefusal(of: host, in: tx) { return .failure(refusal) }
        if let refusal = sequenceRefusal(sequence, of: host) { return .failure(refusal) }
        host.sequence = sequence
        if let profile = call.profile { host.profile = profile }
        host.lastSeenAt = max(host.lastSeenAt, now)
        try tx.updateHost(host)

        var outcome = ScheduleOutcome(reply: HotReply(), receipts: HotReceipts(), newlySent: 0)
        outcome.form = call.form
        outcome.receipts.hostID = UInt64(id.rawValue)
        for report in call.reports {
            let taken = try take(report, of: call, from: id, keepInline: keepInline, in: tx, now: now)
            outcome.receipts.receipts.append(taken.receipt)
            if let blob = taken.blob { outcome.blobs.append(blob) }
        }
        outcome.areReceiptsKnown = zip(call.reports, outcome.receipts.receipts).allSatisfy { report, receipt in
            receipt.status == .receiptAccepted && receipt.resultSha256 == report.result
        }
        // Reports may have changed the host's counts.
        host = try tx.host(id) ?? host
        var projects = ProjectNames()
        let out = try tx.sentTasks(of: id)
        try resend(out, call, host: id, &outcome.reply, &projects, in: tx, now: now)
        try abort(call, out: out, host: id, &outcome.reply, in: tx)
        let crowd = try call.wantTasks > 0 ? crowd ?? self.crowd(in: tx, now: now) : Crowd()
        try giveWork(
            call, host, out: out, sentLastDay: sentLastDay, crowd, &outcome, &projects, in: tx, now: now)
        // In the order of their numbers: their places tell nothing of how they were chosen.
        outcome.reply.tasks.sort { $0.taskID < $1.taskID }
        host = try tx.host(id) ?? host
        outcome.reply.serverTimeMs = UInt64(max(0, now.milliseconds))
        outcome.reply.creditMicrocobblestones = host.credit.microcobblestones
        outcome.reply.provisionalMicrocobblestones = host.provisionalCredit.microcobblestones
        outcome.reply.validTasks = UInt64(host.validCount)
        outcome.reply.invalidTasks = UInt64(host.invalidCount)
        return .success(outcome)
    }

    /// A request's number must be above the last one's: otherwise it is a replay.
    func sequenceRefusal(_ sequence: Int64, of host: HostRecord) -> RequestRefusal? {
        guard sequence <= Limits.sequenceMax else {
            return RequestRefusal(.badRequest, "request number \(sequence) is above \(Limits.sequenceMax)")
        }
        guard sequence > host.sequence else {
            return RequestRefusal(
                .staleSequence, "request number \(sequence) is not above \(host.sequence)",
                advice: "go on from \(host.sequence + 1)", sequence: host.sequence)
        }
        return nil
    }

    /// Tasks that are out at this host by our books, and that it does not know: the reply that carried them was lost.
    private func resend(
        _ out: [SchedulableTask], _ call: SchedulerCall, host: HostID, _ reply: inout HotReply,
        _ projects: inout ProjectNames, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        let known = Set(call.held)
        for task in out where !known.contains(task.id) {
            guard reply.tasks.count < Limits.tasksPerReplyMax, let assignment = task.assignment,
                assignment.deadline > now
            else { continue }
            let speed = try tx.host(host).map(HostSpeed.perCore) ?? HostSpeed.unknownFlopsPerSecond
            let seconds = HostSpeed.seconds(flops: task.flops, flopsPerSecond: speed)
            reply.tasks.append(try offer(task, call, host, assignment.deadline, seconds, &projects, in: tx))
        }
    }

    /// Tasks that the host holds and that nobody waits for.
    private func abort(
        _ call: SchedulerCall, out: [SchedulableTask], host: HostID, _ reply: inout HotReply,
        in tx: any StoreTransaction
    ) throws {
        // Those still out are waited for; those just reported have a receipt. An honest host has few others; of very
        // many the rest has its turn at the next calls, when these are gone.
        let settled = Set(out.map(\.id)).union(call.reports.map(\.task))
        for task in call.held.lazy.filter({ !settled.contains($0) }).prefix(settings.heldLook) {
            guard let aggregate = try tx.workUnit(task.unit) else {
                reply.abortTasks.append(keys.number(of: task))
                continue
            }
            // An expired task may go on: its result is still used, or at least paid when it agrees.
            let isKept = aggregate.tasks.first { $0.id == task }.map { $0.state.report != nil } ?? false
            if !isKept && WorkUnitMachine.need(for: task, at: host, in: aggregate) == .notNeeded {
                reply.abortTasks.append(keys.number(of: task))
            }
        }
    }

    private func giveWork(
        _ call: SchedulerCall, _ host: HostRecord, out: [SchedulableTask], sentLastDay: Int, _ crowd: Crowd,
        _ outcome: inout ScheduleOutcome, _ projects: inout ProjectNames, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        let want = Self.want(call, host, resent: outcome.reply.tasks)
        let reserved = out.reduce(Int64(0)) { $0 + $1.diskBytes + $1.outputBytesMax }
        let view = HostView(
            host, availability: call.availability, apps: call.apps, programPlatforms: call.programPlatforms,
            inProgress: out.count, sentLastDay: sentLastDay, reservedDiskBytes: reserved)
        let asker = Asker(
            host: host, view: view, want: want, crowd: crowd, places: keys.places(host: host.id, call: host.sequence))
        let (choice, byID) = try choose(asker, in: tx, now: now)
        var given: [ChosenTask] = []
        for chosen in choice.tasks {
            guard let task = byID[chosen.id] else { continue }
            let event = WorkUnitEvent.assigned(chosen.id, chosen.assignment)
            guard let applied = try apply(event, toUnit: chosen.id.unit, in: tx, now: now),
                applied.aggregate.tasks.first(where: { $0.id == chosen.id })?.state == .sent(chosen.assignment)
            else { continue }
            given.append(chosen)
            outcome.reply.tasks.append(
                try offer(
                    task, call, host.id, chosen.assignment.deadline, chosen.estimatedSeconds, &projects, in: tx))
        }
        outcome.newlySent = given.count
        outcome.reply.noWorkReasons = choice.refusals.map(\.text)
        let isOpen = try tx.openBatches().contains { $0.state == .running }
        let pace = NextCall(
            busySeconds: settings.busyCallSeconds, waitingSeconds: settings.waitingCallSeconds,
            idleSeconds: settings.idleCallSeconds)
        outcome.reply.nextCallSeconds = pace.seconds(after: choice, host: view, hasOpenUnits: isOpen)
    }

    /// What is still wanted beside the tasks that are sent again: they fill the host's queue like new ones.
    private static func want(_ call: SchedulerCall, _ host: HostRecord, resent: [HotOffer]) -> WorkRequest {
        let room = Limits.tasksPerReplyMax - resent.count
        let again = resent.reduce(0) { $0 + $1.estimatedSeconds } / Double(max(host.profile.cores, 1))
        let isEnough = call.wantSeconds > 0 && again >= call.wantSeconds
        return WorkRequest(
            tasks: isEnough ? 0 : min(max(0, call.wantTasks - resent.count), room),
            seconds: max(0, call.wantSeconds - again), queuedSeconds: call.queuedSeconds + again)
    }

    private func offer(
        _ task: SchedulableTask, _ call: SchedulerCall, _ host: HostID, _ deadline: Timestamp, _ seconds: Double,
        _ projects: inout ProjectNames, in tx: any StoreTransaction
    ) throws -> HotOffer {
        var offer = HotOffer()
        offer.taskID = keys.number(of: task.id)
        offer.unitSha256 = task.container.bytes
        offer.unitBytes = UInt64(task.containerBytes)
        offer.deadlineMs = UInt64(max(0, deadline.milliseconds))
        offer.estimatedSeconds = seconds
        if !call.sendsInline || task.outputBytesMax > Int64(Limits.inlineBlobBytesMax) {
            offer.uploadTicket = ticketText(task: task, host: host, deadline: deadline)
        }
        offer.project = try projects.name(of: task.id.unit.batch, in: tx)
        offer.flops = task.flops
        return offer
    }

    /// Whether `finish` finds in memory all that it puts in, and so need not wait for a disk.
    public func isAtHand(_ outcome: ScheduleOutcome) -> Bool {
        outcome.reply.tasks.allSatisfy { offer in
            offer.unitBytes > UInt64(Limits.inlineBlobBytesMax)
                || Digest(bytes: offer.unitSha256).map { blobs.recent($0) != nil } ?? true
        }
    }

    /// Signs the receipts, once for the reply, and puts small work units into it. Only after the commit is durable: a
    /// receipt is a promise.
    public func answer(_ outcome: ScheduleOutcome) -> HotReply {
        var reply = outcome.reply
        if !outcome.receipts.receipts.isEmpty {
            reply.receipts = outcome.receipts.encoded
            reply.receiptsSignature = keys.project.sign(ReceiptSignature.message(receipts: reply.receipts))
        }
        for at in reply.tasks.indices where reply.tasks[at].unitBytes <= UInt64(Limits.inlineBlobBytesMax) {
            guard let digest = Digest(bytes: reply.tasks[at].unitSha256) else { continue }
            // A container that cannot be read is left out: the host asks for the blob and reports what it got.
            if let bytes = blobs.recent(digest) ?? (try? blobs.read(digest, limit: Limits.inlineBlobBytesMax)) {
                reply.tasks[at].unitInline = bytes
            }
        }
        ShortReply.shorten(&reply, form: outcome.form, areReceiptsKnown: outcome.areReceiptsKnown)
        return reply
    }

    /// The same as a message.
    public func finish(_ outcome: ScheduleOutcome) -> WireSchedulerReply { answer(outcome).message }
}

extension ReportedTask {
    /// The hash of what it reports; empty for a failure.
    fileprivate var result: [UInt8] {
        if case .success(let report, _) = outcome { report.result.bytes } else { [] }
    }
}

/// Names of the projects that a reply mentions, each looked up once.
private struct ProjectNames {
    private var names: [BatchID: String] = [:]

    mutating func name(of batch: BatchID, in tx: any StoreTransaction) throws -> String {
        if let name = names[batch] { return name }
        let name = try tx.batch(batch)?.project ?? ""
        names[batch] = name
        return name
    }
}
