import Domain
import Engine
import Wire

/// What a job is about. A job with the same key is not started twice at the same time.
public enum JobKey: Hashable, Sendable, CustomStringConvertible {
    case split(BatchID)
    case check(TaskID)
    case compare(WorkUnitID)
    case assemble(BatchID)

    public var description: String {
        switch self {
        case .split(let batch): "split \(batch)"
        case .check(let task): "check \(task)"
        case .compare(let unit): "compare \(unit)"
        case .assemble(let batch): "assemble \(batch)"
        }
    }
}

/// Something a worker child must compute for the server.
public struct ServerJob: Sendable {
    public var key: JobKey
    /// With names of blobs where their files or bytes are to be put in by whoever runs it; without the units of an
    /// answer (`assembleUnits`).
    public var message: WireWorkerJob
    public var timeoutSeconds: Double
    /// What it was made from, for the answer: the batch for split and assemble, the tasks for compare.
    public var batch: BatchRecord
    public var tasks: [TaskID]
    /// Of a split: how many pieces are wanted, one after the other.
    public var pieces = 1
}

/// How a job ended.
public enum JobResult: Sendable {
    case reply(WireWorkerReply)
    /// The worker crashed, ran out of time, or could not be started.
    case fault(Fault)
}

/// What a job's end means for the store.
public enum JobEvent: Sendable {
    case split(PreparedSplit)
    case splitFailed(BatchID, String)
    case checked(TaskID, CheckOutcome)
    case compared(WorkUnitID, [PairComparison])
    /// - Parameter fromIndex: units before it are marked already.
    case assembled(BatchID, fromIndex: Int64)
    case assembleFailed(BatchID, String)
    /// Nothing can be said; the same job will be asked for again.
    case retry(JobKey, Fault)
}

/// Which jobs are running and which wait after a failure. It may be forgotten at any time: a restart begins with an
/// empty board, and the next tick asks for every job again.
public struct JobBoard: Sendable {
    public private(set) var running: Set<JobKey> = []
    private var failures: [JobKey: Failure] = [:]
    /// How far the ticks have come with the units of batches that have ended before them; see `endUnits`.
    var ending: [BatchID: Int64] = [:]
    /// The batch whose units were ended last.
    var endedLast: BatchID?
    /// Batches that were open at the last tick; nil before the first.
    var open: Set<BatchID>?

    private struct Failure {
        var count = 0
        /// Of these, how often the worker crashed.
        var crashes = 0
        /// Of these, how often it ran out of time or was killed from outside.
        var stalls = 0
        /// Since when the job fails.
        var since: Timestamp
        var retryAt = Timestamp(milliseconds: 0)
    }

    /// A unit whose check or comparison failed.
    struct Setback {
        var since: Timestamp
        var retryAt: Timestamp
    }

    /// Failures beyond this are looked through for those of jobs that nobody asks for any more.
    private static let failuresMax = 8192

    public init() {}

    /// Whether a job has now failed so often, by its own doing as it seems, that it is not tried again.
    ///
    /// A crash is of the job's making. A time-out may as well be of a busy machine's, so it takes far more of them. A
    /// worker that cannot be started, or a file that cannot be read, says nothing of the job and never counts.
    func givesUp(_ key: JobKey, after fault: Fault, _ settings: ServerSettings) -> Bool {
        switch fault.kind {
        case .software: (failures[key]?.crashes ?? 0) + 1 >= settings.crashesMax
        case .interrupted: (failures[key]?.stalls ?? 0) + 1 >= settings.stallsMax
        default: false
        }
    }

    /// Units whose validation fails, each with its earliest wait.
    func setbacks() -> [WorkUnitID: Setback] {
        var units: [WorkUnitID: Setback] = [:]
        for (key, failure) in failures {
            let unit: WorkUnitID
            switch key {
            case .check(let task): unit = task.unit
            case .compare(let compared): unit = compared
            case .split, .assemble: continue
            }
            let other = units[unit]
            units[unit] = Setback(
                since: min(failure.since, other?.since ?? failure.since),
                retryAt: min(failure.retryAt, other?.retryAt ?? failure.retryAt))
        }
        return units
    }

    /// Jobs that run again after a failure.
    var retriesRunning: Int { running.reduce(0) { $0 + (failures[$1] == nil ? 0 : 1) } }

    func mayStart(_ key: JobKey, now: Timestamp) -> Bool {
        !running.contains(key) && (failures[key].map { $0.retryAt <= now } ?? true)
    }

    mutating func start(_ key: JobKey) { running.insert(key) }

    /// - Parameter event: `.retry` keeps the job waiting, anything else forgets it.
    mutating func finish(_ key: JobKey, _ event: JobEvent?, settings: ServerSettings, now: Timestamp) {
        running.remove(key)
        guard case .retry(_, let fault) = event else {
            failures[key] = nil
            return
        }
        var failure = failures[key] ?? Failure(since: now)
        failure.count += 1
        if fault.kind == .software { failure.crashes += 1 }
        if fault.kind == .interrupted { failure.stalls += 1 }
        // Doubled each time; the exponent is cut where the wait has long reached its maximum.
        let factor = Double(1 << min(failure.count - 1, 20))
        failure.retryAt = now + TimeSpan(seconds: min(settings.retrySeconds * factor, settings.retrySecondsMax))
        failures[key] = failure
        guard failures.count > JobBoard.failuresMax else { return }
        // Their units have ended by another way: they were due long ago and were not asked for.
        let longAgo = now + TimeSpan(seconds: -10 * settings.retrySecondsMax)
        failures = failures.filter { $0.value.retryAt > longAgo || running.contains($0.key) }
    }
}
