import Domain
import Preferences
import Wire

/// What happens to a client. Every event carries all that the decision needs.
public enum ClientEvent: Sendable {
    /// The first event after a start: what lies on disk.
    case started(slots: [SlotFinding], blobs: [Digest])
    /// Time has passed.
    case tick
    case probed([ProbeReading])
    case memoryRead(MemoryReading)
    /// The preferences have changed.
    case settingsChanged(Preferences)
    /// Local time minus UTC; at a start, and whenever it is another.
    case utcOffset(seconds: Int)
    /// What all projects together have sent and fetched today.
    case networkUsed(NetworkUsage)
    /// What the disk has left for us, and what the client's folder has taken, in bytes.
    case diskMeasured(free: Int64, used: Int64)

    case callAnswered(WireSchedulerReply)
    case callFailed(CallFailure)

    /// A work unit's container that was fetched, not verified.
    case unitFetched(TaskID, [UInt8])
    case unitFetchFailed(TaskID, FetchFailure)
    case blobFetched(Digest)
    case blobFetchFailed(Digest, FetchFailure)

    /// What the project's releases say of a task's program: after `findProgram`, or since they have changed.
    case programAnswered(TaskID, ProgramAnswer)
    /// Just before its start, releases did not confirm a task's program.
    case programDoubted(TaskID)

    case workerStarted(TaskID)
    case workerNotStarted(TaskID, String)
    /// Its start still waited for the disk when `ClientMachine.isStartWanted` turned false.
    case startWithdrawn(TaskID)
    case workerProgressed(TaskID, WorkerProgress)
    /// The task's folder has grown beyond the unit's bound.
    case diskBoundPassed(TaskID, bytes: Int64)
    case workerEnded(TaskID, WorkerEnding)

    case uploaded(TaskID)
    case uploadFailed(TaskID, FetchFailure)
    /// The file of a finished result does not have the hash that it had when it was finished.
    case resultDamaged(TaskID)

    /// The machine was divided among the projects anew.
    case granted(CoreGrant)

    /// The user or the system wants the client to end.
    case stopRequested

    // What the user asks for. All but the wish for a single task survive a restart by themselves; that is kept with
    // the task.

    /// Nothing is to be computed until then; nil: until `userResumed`.
    case userPaused(until: Timestamp?)
    /// Ends such a pause, and one from the start.
    case userResumed
    /// What is begun is to be finished, the rest given back, nothing fetched; then the client ends.
    case finishRequested
    case finishWithdrawn
    /// Whether the project may give new tasks.
    case newWorkAllowed(Bool)
    case taskSuspended(TaskID)
    case taskResumed(TaskID)
    /// The task is given back with this reason.
    case taskAborted(TaskID, reason: String)
    /// The user has seen to whatever made tasks fail.
    case failuresForgiven
}

/// What the shell found in a task's folder at a start.
public struct SlotFinding: Hashable, Sendable {
    public var task: TaskID
    /// The offer that lies there, for a task that the state does not know.
    public var offer: Offer?
    /// The container that lies there.
    public var unit: [UInt8]?
    /// The complete result that lies there.
    public var result: ResultSummary?
    /// There is a file of a result that could not be read now: no reason to believe that it is lost.
    public var isResultUnread = false
    public var used: Usage
    /// 0 ... 1; nil: the worker has not said it.
    public var fraction: Double?

    public init(
        task: TaskID, offer: Offer?, unit: [UInt8]?, result: ResultSummary?, used: Usage = Usage(),
        fraction: Double? = nil
    ) {
        self.task = task
        self.offer = offer
        self.unit = unit
        self.result = result
        self.used = used
        self.fraction = fraction
    }
}

/// Why a call to the scheduler brought no reply.
public enum CallFailure: Hashable, Sendable {
    /// The server has seen this sequence number, or a higher one.
    case stale(sequence: Int64)
    /// The server answers and refuses.
    case refused(String)
    /// The server has too much to do and asks to wait. Nothing of the call was kept.
    case busy(String, retryAfterSeconds: Double)
    /// Nobody answered, the connection broke, or what answered is no Millrace server.
    case failed(String)
}

/// Why a download or an upload did not succeed.
public enum FetchFailure: Hashable, Sendable {
    /// Trying again may help.
    case temporary(String)
    /// The server has too much to do, or too full a disk, and asks to wait.
    case busy(String, retryAfterSeconds: Double)
    /// The other side has it not, or does not want it.
    case permanent(String)

    public var message: String {
        switch self {
        case .temporary(let text), .busy(let text, _), .permanent(let text): text
        }
    }

    /// What the server asked for; nil when it said nothing.
    public var retryAfterSeconds: Double? {
        if case .busy(_, let seconds) = self { seconds } else { nil }
    }
}

/// What a worker says of itself.
public struct WorkerProgress: Hashable, Sendable {
    /// 0 ... 1.
    public var fraction: Double
    public var used: Usage
    public var peakMemoryBytes: Int64

    public init(fraction: Double, used: Usage, peakMemoryBytes: Int64) {
        self.fraction = fraction
        self.used = used
        self.peakMemoryBytes = peakMemoryBytes
    }
}

/// How a worker ended and what it left.
public struct WorkerEnding: Hashable, Sendable {
    /// nil: a signal ended it.
    public var code: Int32?
    /// `exit code 70`, `signal 11 (Segmentation fault)`.
    public var reason: String
    public var lastWords: String
    /// By the operating system's account.
    public var cpuSeconds: Double
    public var progress: WorkerProgress?
    /// The complete result that it left, if there is one.
    public var result: ResultSummary?

    public init(
        code: Int32?, reason: String, lastWords: String, cpuSeconds: Double, progress: WorkerProgress?,
        result: ResultSummary?
    ) {
        self.code = code
        self.reason = reason
        self.lastWords = lastWords
        self.cpuSeconds = cpuSeconds
        self.progress = progress
        self.result = result
    }
}
