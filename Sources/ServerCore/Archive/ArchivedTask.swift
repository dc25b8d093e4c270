import Domain
import Storage

/// A task in an archive: what was sent, what came back, what was said of it.
struct ArchivedTask: Codable, Hashable {
    var id: Int64
    var state: String
    var host: Int64?
    var volunteer: Int64?
    var sentMs: Int64?
    var deadlineMs: Int64?
    var report: ArchivedReport?
    var verdict: ArchivedVerdict?
    var errorMs: Int64?
    var errorCode: Int?
    var errorMessage: String?

    /// - Throws: `StoreError.conflict` for a task that is still to come or to be judged.
    init(_ task: TaskRecord) throws {
        id = task.id.rawValue
        if let assignment = task.state.assignment {
            host = assignment.host.rawValue
            volunteer = assignment.volunteer.rawValue
            sentMs = assignment.sentAt.milliseconds
            deadlineMs = assignment.deadline.milliseconds
        }
        report = task.state.report.map(ArchivedReport.init)
        switch task.state {
        case .decided(_, _, let found):
            state = "decided"
            verdict = ArchivedVerdict(found)
        case .failed(_, let error):
            state = "failed"
            errorMs = error.at.milliseconds
            errorCode = error.code.rawValue
            errorMessage = error.message
        case .expired: state = "expired"
        case .aborted: state = "aborted"
        case .notNeeded: state = "not needed"
        case .unsent, .sent, .reported: throw StoreError.conflict("task \(task.id) has not ended")
        }
    }

    /// The row. - Throws: `StoreError.corrupt`.
    func task() throws -> TaskRecord {
        let wrong = StoreError.corrupt("archived task \(id)")
        if state == "not needed" { return TaskRecord(id: TaskID(rawValue: id), state: .notNeeded) }
        guard let host, let volunteer, let sentMs, let deadlineMs else { throw wrong }
        let assignment = Assignment(
            host: HostID(rawValue: host), volunteer: VolunteerID(rawValue: volunteer),
            sentAt: Timestamp(milliseconds: sentMs), deadline: Timestamp(milliseconds: deadlineMs))
        let found: TaskState
        switch state {
        case "decided":
            guard let report, let verdict else { throw wrong }
            found = .decided(assignment, try report.report(), try verdict.verdict())
        case "failed":
            guard let errorMs, let code = errorCode.flatMap(TaskErrorCode.init(rawValue:)), let errorMessage else {
                throw wrong
            }
            let error = TaskError(at: Timestamp(milliseconds: errorMs), code: code, message: errorMessage)
            found = .failed(assignment, error)
        case "expired": found = .expired(assignment)
        case "aborted": found = .aborted(assignment)
        default: throw wrong
        }
        return TaskRecord(id: TaskID(rawValue: id), state: found)
    }
}

struct ArchivedReport: Codable, Hashable {
    var reportedMs: Int64
    var result: String
    var resultBytes: Int64
    var cpuSeconds: Double
    var wallSeconds: Double
    var fingerprint: String

    init(_ report: TaskReport) {
        reportedMs = report.reportedAt.milliseconds
        result = report.result.hex
        resultBytes = report.resultBytes
        cpuSeconds = report.cpuSeconds
        wallSeconds = report.wallSeconds
        fingerprint = report.fingerprint
    }

    func report() throws -> TaskReport {
        guard let digest = Digest(hex: result) else { throw StoreError.corrupt("an archived result's hash") }
        return TaskReport(
            reportedAt: Timestamp(milliseconds: reportedMs), result: digest, resultBytes: resultBytes,
            cpuSeconds: cpuSeconds, wallSeconds: wallSeconds, fingerprint: fingerprint)
    }
}

struct ArchivedVerdict: Codable, Hashable {
    var outcome: Int
    var decidedMs: Int64
    var comparedWith: Int64?
    var reason: String
    var element: String?
    var distance: Double?
    var tolerance: Double?

    init(_ verdict: Verdict) {
        outcome = verdict.outcome.rawValue
        decidedMs = verdict.decidedAt.milliseconds
        comparedWith = verdict.comparedWith?.rawValue
        reason = verdict.reason
        element = verdict.difference?.element
        distance = verdict.difference?.distance
        tolerance = verdict.difference?.tolerance
    }

    func verdict() throws -> Verdict {
        guard let outcome = Verdict.Outcome(rawValue: outcome) else {
            throw StoreError.corrupt("an archived outcome")
        }
        var difference: Difference?
        if let element {
            guard let distance, let tolerance else { throw StoreError.corrupt("an archived difference") }
            difference = Difference(element: element, distance: distance, tolerance: tolerance)
        }
        return Verdict(
            outcome: outcome, decidedAt: Timestamp(milliseconds: decidedMs),
            comparedWith: comparedWith.map(TaskID.init(rawValue:)), difference: difference, reason: reason)
    }
}
