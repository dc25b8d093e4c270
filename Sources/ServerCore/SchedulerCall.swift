import Bytes
import Domain
import Wire

/// A scheduler request whose fields are in bounds.
public struct SchedulerCall: Hashable, Sendable {
    /// nil: as it was.
    public var profile: HostProfile?
    public var held: [TaskID]
    public var reports: [ReportedTask]
    public var wantTasks: Int
    public var wantSeconds: Double
    public var queuedSeconds: Double
    /// 0 < availability <= 1.
    public var availability: Double
    /// `name/version`.
    public var apps: [String]
    /// Of programs that it starts in its sandbox, for example `x86_64-linux`.
    public var programPlatforms: [String]
    /// Results that fit are sent inside of calls.
    public var sendsInline = false
    /// What the reply may leave out.
    public var form = WireCallForm.callFull
    /// Bytes of blobs of its reports that were looked for before the transaction; nil: they are looked for in it.
    var sizes: [Digest: Int64]?
}

/// One report of a request.
public struct ReportedTask: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        case success(TaskReport, inline: [UInt8]?)
        case failure(TaskError)
    }

    public var task: TaskID
    public var outcome: Outcome
}

extension ProjectServer {
    /// Checks every field of a request; nothing is trusted further than this.
    public func checkScheduler(_ request: WireSchedulerRequest, now: Timestamp) throws(RequestRefusal) -> SchedulerCall
    {
        try checkScheduler(HotRequest(request), now: now)
    }

    public func checkScheduler(_ request: HotRequest, now: Timestamp) throws(RequestRefusal) -> SchedulerCall {
        try FieldCheck.count(request.heldTasks.count, field: "held_tasks", max: Limits.heldTasksPerRequestMax)
        try FieldCheck.count(request.reports.count, field: "reports", max: Limits.reportsPerRequestMax)
        try FieldCheck.count(request.apps.count, field: "apps", max: HotRequest.appsMax)
        for app in request.apps { try FieldCheck.name(app, field: "apps", bytesMax: 80) }
        try FieldCheck.count(
            request.programPlatforms.count, field: "program_platforms", max: Limits.programPlatformsMax)
        for platform in request.programPlatforms where !ProgramWord.isName(platform) {
            throw RequestRefusal(.badRequest, "program_platforms has an entry that is no platform's name")
        }
        let aYear = 366.0 * 86_400
        try FieldCheck.number(request.wantSeconds, field: "want_seconds", in: 0...aYear * 4096)
        try FieldCheck.number(request.queuedSeconds, field: "queued_seconds", in: 0...aYear * 10)
        try FieldCheck.number(request.availability, field: "availability", in: 0...1)
        guard WireCallForm.allCases.contains(request.form) else {
            throw RequestRefusal(.badRequest, "form is \(request.form.rawValue), expected 0 to 2")
        }
        let isShort = request.form != .callFull
        var held: [TaskID] = []
        held.reserveCapacity(request.heldTasks.count + request.reports.count)
        for number in request.heldTasks { held.append(try taskID(number, field: "held_tasks")) }
        var reports: [ReportedTask] = []
        reports.reserveCapacity(request.reports.count)
        for report in request.reports {
            let checked = try reported(report, isShort: isShort, now: now)
            reports.append(checked)
            // What is reported is held, without being named twice.
            if isShort { held.append(checked.task) }
        }
        var profile: HostProfile?
        if request.profile != nil || !isShort { profile = try hostProfile(request.profile ?? .init()) }
        return SchedulerCall(
            profile: profile, held: held, reports: reports,
            wantTasks: Int(min(request.wantTasks, UInt32(Limits.tasksPerReplyMax))),
            wantSeconds: request.wantSeconds, queuedSeconds: request.queuedSeconds,
            availability: request.availability == 0 ? 1 : request.availability, apps: request.apps,
            programPlatforms: request.programPlatforms, sendsInline: request.sendsInline, form: request.form)
    }

    private func taskID(_ number: UInt64, field: String) throws(RequestRefusal) -> TaskID {
        guard let raw = Int64(exactly: number), raw > 0 else {
            throw RequestRefusal(.badRequest, "\(field) contains \(number), which is no task number")
        }
        return keys.task(numbered: raw)
    }

    private func reported(
        _ report: HotReport, isShort: Bool, now: Timestamp
    ) throws(RequestRefusal) -> ReportedTask {
        let task = try taskID(report.taskID, field: "reports.task_id")
        switch report.outcome {
        case .success(let success):
            return ReportedTask(task: task, outcome: try checkedSuccess(success, isShort: isShort, now: now))
        case .failure(let failure):
            guard let code = TaskErrorCode(rawValue: Int(failure.code)) else {
                throw RequestRefusal(.badRequest, "reports.failure.code is \(failure.code), expected 1 to 6")
            }
            let text = FieldCheck.cleaned(failure.message, bytesMax: Limits.messageBytesMax)
            return ReportedTask(task: task, outcome: .failure(TaskError(at: now, code: code, message: text)))
        case nil:
            // By the host's own number: the other would tell which replica of its unit it has.
            throw RequestRefusal(.badRequest, "reports: task \(report.taskID) has neither success nor failure")
        }
    }

    private func checkedSuccess(
        _ success: HotSuccess, isShort: Bool, now: Timestamp
    ) throws(RequestRefusal) -> ReportedTask.Outcome {
        let bytes = success.resultInline
        guard bytes.count <= Limits.inlineBlobBytesMax else {
            throw RequestRefusal(
                .tooLarge, "reports.success.result_inline has \(bytes.count) bytes",
                advice: "upload results above \(Limits.inlineBlobBytesMax) bytes")
        }
        let found = bytes.isEmpty ? nil : SHA256Hash.digest(of: bytes)
        // In a short call the bytes themselves say what result it is; the session's code guards them on the way.
        let isNamed = !(isShort && found != nil && success.resultSha256.isEmpty)
        guard let digest = isNamed ? Digest(bytes: success.resultSha256) : found else {
            throw RequestRefusal(.badRequest, "reports.success.result_sha256 has not 32 bytes")
        }
        guard let size = isNamed ? Int64(exactly: success.resultBytes) : Int64(bytes.count),
            size <= Limits.resultBytesMax
        else { throw RequestRefusal(.tooLarge, "reports.success.result_bytes is above \(Limits.resultBytesMax)") }
        try FieldCheck.number(success.cpuSeconds, field: "reports.success.cpu_seconds", in: 0...1e9)
        try FieldCheck.number(success.wallSeconds, field: "reports.success.wall_seconds", in: 0...1e9)
        // Damaged on the way or on the host's disk: this result is missing, the other reports count.
        let inline = found != nil && bytes.count == size && found == digest ? bytes : nil
        let report = TaskReport(
            reportedAt: now, result: digest, resultBytes: size, cpuSeconds: success.cpuSeconds,
            wallSeconds: success.wallSeconds,
            fingerprint: FieldCheck.cleaned(success.fingerprint, bytesMax: 256))
        return .success(report, inline: inline)
    }
}
