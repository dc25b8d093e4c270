import Domain
import Engine
import FoundationEssentials
import Wire

/// When the scheduler is called, and with what.
extension ClientMachine {
    /// Bytes of small results that go into one request.
    static let inlineBytesPerCallMax: Int64 = 4 << 20
    /// A project that is due for less is told of a queue as if it were due for so much.
    private static let bufferCoresMin = 0.1

    mutating func pursueCall(_ now: Timestamp, _ out: inout Outbox) {
        guard call.inFlight == nil, call.notBefore.map({ now >= $0 }) ?? true else { return }
        let (reports, inline) = dueReports(now)
        let want = wanted(now)
        let contactDue = call.lastContact.map { (now - $0).seconds >= settings.contactSeconds } ?? true
        guard !reports.isEmpty || want.tasks > 0 || contactDue else { return }

        state.sequence = max(state.sequence + 1, now.milliseconds)
        var request = WireSchedulerRequest()
        request.profile = WireHostProfileMessage(settings.profile)
        request.heldTasks = heldTasks(reports)
        request.reports = reports
        request.wantTasks = UInt32(want.tasks)
        request.wantSeconds = want.seconds
        request.queuedSeconds = queuedSeconds() / max(grant.bufferCores, Self.bufferCoresMin)
        request.availability = state.availability
        request.apps = settings.apps
        request.sendsInline = true
        call.inFlight = CallState.InFlight(
            reported: reports.map { TaskID(rawValue: Int64($0.taskID)) }, wanted: want.tasks)
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

    /// How much more work this host should hold.
    private func wanted(_ now: Timestamp) -> (tasks: Int, seconds: Double) {
        guard policy.isComputing, call.noWorkBefore.map({ now >= $0 }) ?? true else { return (0, 0) }
        // Asked every second: the tasks are looked at in place and not copied.
        var (open, estimated) = (0, 0.0)
        for place in state.tasks.indices where !state.tasks[place].stage.isOver {
            open += 1
            estimated += state.tasks[place].offer.estimatedSeconds
        }
        let cores = grant.bufferCores
        let room = Int((cores * Double(settings.heldTasksPerCoreMax)).rounded(.up)) - open
        let byCount = Int((cores * Double(1 + settings.bufferTasksPerCore)).rounded(.up)) - open
        let missing = settings.bufferSeconds * cores - queuedSeconds()
        let typical = open == 0 ? 0 : estimated / Double(open)
        let bySeconds = typical > 0 ? Int(min(missing / typical, 1e6).rounded(.up)) : 0
        let tasks = min(max(byCount, bySeconds), room, Limits.tasksPerReplyMax)
        guard tasks > 0 else { return (0, 0) }
        // At least a second per task, so that a full buffer of seconds never turns an idle core away.
        return (tasks, max(missing, Double(tasks)))
    }

    /// Seconds of work that are held and not done, by the server's estimates.
    func queuedSeconds() -> Double {
        var sum = 0.0
        for place in state.tasks.indices where !state.tasks[place].stage.isOver {
            sum += state.tasks[place].offer.estimatedSeconds * (1 - (state.tasks[place].fraction ?? 0))
        }
        return sum
    }

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
        call.notBefore = now + TimeSpan(seconds: delay)
    }
}
