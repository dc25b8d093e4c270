import Domain
import Engine
import FoundationEssentials
import Wire

/// When the scheduler is called, and with what.
extension ClientMachine {
    /// Bytes of small results that go into one request.
    static let inlineBytesPerCallMax: Int64 = 4 << 20

    mutating func pursueCall(_ now: Timestamp, _ out: inout Outbox) {
        guard call.inFlight == nil, call.notBefore.map({ now >= $0 }) ?? true else { return }
        let (reports, inline) = dueReports(now)
        let contactDue = call.lastContact.map { (now - $0).seconds >= settings.contactSeconds } ?? true
        let isCalling = !reports.isEmpty || contactDue
        let want = wish(now, isCalling: isCalling)
        guard isCalling || want != nil else { return }

        state.sequence = max(state.sequence + 1, now.milliseconds)
        var request = WireSchedulerRequest()
        // What the project may use: its deadlines are reckoned with as many cores.
        var profile = settings.profile
        profile.cores = cores
        request.profile = WireHostProfileMessage(profile)
        request.heldTasks = heldTasks(reports)
        request.reports = reports
        request.wantTasks = UInt32(want?.tasks ?? 0)
        request.wantSeconds = want?.seconds ?? 0
        request.queuedSeconds = min(want?.queuedSeconds ?? loads(plannedTasks(now)).least, Self.queuedSecondsMax)
        request.availability = outlook.share * offerPart
        request.apps = appsForServer
        request.programPlatforms = programPlatforms
        request.sendsInline = true
        call.inFlight = CallState.InFlight(
            reported: reports.map { TaskID(rawValue: Int64($0.taskID)) }, wanted: want?.tasks ?? 0)
        out.add(.call(SchedulerCall(request: request, sequence: state.sequence, inlineResults: inline)))
    }

    /// A task that is reported while its ticket is refused is not named: if the server still wants its result, it
    /// offers the task again, with a ticket that is good.
    private func heldTasks(_ reports: [WireTaskReportMessage]) -> [UInt64] {
        let reported = Set(reports.map(\.taskID))
        let held = state.tasks.filter { !isUploadRefused($0) || !reported.contains(UInt64($0.id.rawValue)) }
        return held.prefix(Limits.heldTasksPerRequestMax).map { UInt64($0.id.rawValue) }
    }

    /// Reports of tasks that are over, as many as one request holds.
    private func dueReports(_ now: Timestamp) -> ([WireTaskReportMessage], inline: [TaskID]) {
        var reports: [WireTaskReportMessage] = []
        var inline: [TaskID] = []
        var inlineBytes: Int64 = 0
        for place in state.tasks.indices where state.tasks[place].stage.isOver {
            guard reports.count < Limits.reportsPerRequestMax else { break }
            let task = state.tasks[place]
            var report = WireTaskReportMessage()
            report.taskID = UInt64(task.id.rawValue)
            switch task.stage {
            case .offered, .ready: continue
            case .finished(let result):
                let isDue = isUploadRefused(task) && uploads[task.id]?.notBefore.map { now >= $0 } ?? true
                guard result.isInline || result.uploaded || isDue else { continue }
                if result.isInline && !result.uploaded {
                    guard inlineBytes + result.bytes <= Self.inlineBytesPerCallMax else { continue }
                    inlineBytes += result.bytes
                    inline.append(task.id)
                }
                var success = WireTaskSuccess()
                success.resultSha256 = Data(result.digest.bytes)
                success.resultBytes = UInt64(result.bytes)
                success.cpuSeconds = task.used.cpuSeconds
                success.wallSeconds = task.used.wallSeconds
                success.fingerprint = result.fingerprint
                report.success = success
            case .failed(let code, let message):
                var failure = WireTaskFailure()
                failure.code = UInt32(code.rawValue)
                failure.message = message
                report.failure = failure
            }
            reports.append(report)
        }
        return (reports, inline)
    }

    /// What to ask the server for now; nil: nothing.
    ///
    /// - Parameter isCalling: there is another reason to call.
    private func wish(_ now: Timestamp, isCalling: Bool) -> WorkWish? {
        guard mayFetch, !grant.isShared || grant.bufferCores > 0, call.noWorkBefore.map({ now >= $0 }) ?? true
        else { return nil }
        // Asked every second: the tasks are looked at in place and not copied.
        let held = state.tasks.indices.reduce(0) { $0 + (state.tasks[$1].stage.isOver ? 0 : 1) }
        // There is no present stretch of computing to ask for while nothing is computed.
        let term = isComputing ? call.term : .anyTime
        return term.wish(
            buffer, outlook, loads(plannedTasks(now)), held: held, typicalSeconds: state.typicalTaskSeconds,
            isCalling: isCalling)
    }

    /// The largest that a request may say.
    private static let queuedSecondsMax = 316_224_000.0

    mutating func take(_ failure: CallFailure, _ now: Timestamp, _ random: Double, _ out: inout Outbox) {
        call.inFlight = nil
        let delay: Double
        switch failure {
        case .stale(let sequence):
            call.staleInRow += 1
            // A number near the end of the range would leave no room to count on.
            if sequence >= state.sequence, sequence < Int64.max / 2 {
                state.sequence = sequence
                needsSave = true
            }
            delay = call.staleInRow <= 3 ? 0 : Self.callBackOff.delaySeconds(failures: call.staleInRow, random: random)
        case .refused(let why):
            call.failures += 1
            problem = why
            out.say(why)
            delay = max(60, Self.callBackOff.delaySeconds(failures: call.failures, random: random))
        case .busy(let why, let seconds):
            call.failures += 1
            problem = why
            if call.failures == 1 { out.say(why) }
            delay = Self.callBackOff.delaySeconds(
                failures: call.failures, random: random, retryAfterSeconds: seconds)
        case .failed(let why):
            call.failures += 1
            problem = why
            if call.failures == 1 { out.say(why) }
            delay = Self.callBackOff.delaySeconds(failures: call.failures, random: random)
        }
        if call.failures > 0 { call.failingSince = call.failingSince ?? now }
        call.notBefore = now + TimeSpan(seconds: delay)
    }
}
