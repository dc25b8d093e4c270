/// One replica of a work unit. Named `TaskRecord` because Swift's concurrency owns the name `Task`.
public struct TaskRecord: Hashable, Sendable {
    public var id: TaskID
    public var state: TaskState

    public init(id: TaskID, state: TaskState) {
        self.id = id
        self.state = state
    }
}

/// Who computes a task, and until when.
public struct Assignment: Hashable, Sendable {
    public var host: HostID
    public var volunteer: VolunteerID
    public var sentAt: Timestamp
    public var deadline: Timestamp

    public init(host: HostID, volunteer: VolunteerID, sentAt: Timestamp, deadline: Timestamp) {
        self.host = host
        self.volunteer = volunteer
        self.sentAt = sentAt
        self.deadline = deadline
    }
}

/// What a host reported of a finished computation.
public struct TaskReport: Hashable, Sendable {
    public var reportedAt: Timestamp
    /// The result, a blob.
    public var result: Digest
    public var resultBytes: Int64
    /// CPU and wall seconds, as the host measured them: for estimates, never for credit.
    public var cpuSeconds: Double
    public var wallSeconds: Double
    /// CPU family and library versions that computed it.
    public var fingerprint: String

    public init(
        reportedAt: Timestamp, result: Digest, resultBytes: Int64, cpuSeconds: Double, wallSeconds: Double,
        fingerprint: String
    ) {
        self.reportedAt = reportedAt
        self.result = result
        self.resultBytes = resultBytes
        self.cpuSeconds = cpuSeconds
        self.wallSeconds = wallSeconds
        self.fingerprint = fingerprint
    }
}

/// Why a task brought no result.
public struct TaskError: Hashable, Sendable {
    public var at: Timestamp
    public var code: TaskErrorCode
    /// For the admin; at most `Limits.messageBytesMax` bytes.
    public var message: String

    public init(at: Timestamp, code: TaskErrorCode, message: String) {
        self.at = at
        self.code = code
        self.message = message
    }
}

/// Kinds of task errors; the raw value is what travels and what is stored.
public enum TaskErrorCode: Int, Hashable, Sendable, CaseIterable {
    /// The work unit's signature, hash or version was wrong.
    case badWorkUnit = 1
    /// An input could not be fetched or had another hash.
    case badInput = 2
    /// The worker ended with an error or a signal.
    case workerFailed = 3
    /// The worker went over its time, memory, disk or output bound.
    case overLimit = 4
    /// The host gave the task back unfinished.
    case givenBack = 5
    /// The app is not known to this client.
    case unknownApp = 6
}

/// The life of a task.
public enum TaskState: Hashable, Sendable {
    case unsent
    /// Out at a host.
    case sent(Assignment)
    /// A result is here, the verdict is open. `check` is what the check of this single result said so far.
    case reported(Assignment, TaskReport, check: CheckState)
    /// The verdict on a result.
    case decided(Assignment, TaskReport, Verdict)
    /// The host failed.
    case failed(Assignment, TaskError)
    /// The deadline passed without a report; a result that still comes is compared with the canonical one.
    case expired(Assignment)
    /// The unit was cancelled, or failed, while the task was out.
    case aborted(Assignment)
    /// The unit ended before this task was sent.
    case notNeeded

    /// The assignment of a task that was ever sent.
    public var assignment: Assignment? {
        switch self {
        case .sent(let a), .reported(let a, _, _), .decided(let a, _, _), .failed(let a, _), .expired(let a),
            .aborted(let a):
            a
        case .unsent, .notNeeded: nil
        }
    }

    /// The report of a task that brought a result.
    public var report: TaskReport? {
        switch self {
        case .reported(_, let report, _), .decided(_, let report, _): report
        case .unsent, .sent, .failed, .expired, .aborted, .notNeeded: nil
        }
    }
}

/// How far the check of a single result has come.
public enum CheckState: Hashable, Sendable {
    case pending
    /// Nothing wrong was found, or the project asked for no check; the quorum decides.
    case plausible
    /// A mathematical check proved the result.
    case proven
}

/// What the validator said of a result, with the reason as data.
public struct Verdict: Hashable, Sendable {
    public enum Outcome: Int, Hashable, Sendable, CaseIterable {
        /// Agreed with the canonical result, or is it: earns credit.
        case valid = 1
        /// Failed its check, or disagreed with the canonical result: earns nothing.
        case invalid = 2
        /// The unit ended without a canonical result.
        case inconclusive = 3
        /// Came after the canonical result could still be compared: earns nothing, counts against nobody.
        case tooLate = 4
    }

    public var outcome: Outcome
    public var decidedAt: Timestamp
    /// The task it was compared with; nil when the check alone decided.
    public var comparedWith: TaskID?
    public var difference: Difference?
    /// One line for people, for example `claimed sigma 41.2 recomputed as 3.1`.
    public var reason: String

    public init(
        outcome: Outcome, decidedAt: Timestamp, comparedWith: TaskID?, difference: Difference?, reason: String
    ) {
        self.outcome = outcome
        self.decidedAt = decidedAt
        self.comparedWith = comparedWith
        self.difference = difference
        self.reason = reason
    }
}

/// Where two results, or a claim and its recomputation, differ first, and by how much.
public struct Difference: Hashable, Sendable {
    /// The first differing element, for example `candidates[3].power`.
    public var element: String
    /// Their distance in the units of `tolerance`.
    public var distance: Double
    /// What would have been allowed.
    public var tolerance: Double

    public init(element: String, distance: Double, tolerance: Double) {
        self.element = element
        self.distance = distance
        self.tolerance = tolerance
    }
}
