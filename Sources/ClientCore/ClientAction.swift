import Domain
import Wire

/// What the shell must do. Actions are done in order, and each is complete before the next one begins, but for those
/// that need no disk (`Standing`); those that take time (calls, fetches, uploads) are begun in order and come back as
/// events.
public enum ClientAction: Sendable {
    /// Writes offer and container into the task's folder, durably.
    case storeTask(Offer, unit: [UInt8])
    /// Writes the state, durably.
    case save
    /// Appends the project's word for delivered results to what the client keeps, durably. Before the `save` that
    /// forgets their tasks.
    case keepReceipts(SignedReceipts)

    case call(SchedulerCall)
    /// At most so many bytes: what was announced.
    case fetchUnit(TaskID, Digest, bytes: Int64)
    case fetchBlob(UnitSummary.Input)
    /// Asks the project's releases which file a task's program is.
    case findProgram(TaskID, UnitProgram)
    case upload(TaskID, ResultSummary, ticket: String)

    case startWorker(TaskID)
    /// At once, where it stands.
    case suspendWorker(TaskID)
    case resumeWorker(TaskID)
    /// Checkpoint and leave.
    case stopWorker(TaskID)
    case killWorker(TaskID)
    /// Each worker may use this share of its core's time from now on, 1 ... 100; those that start later, too.
    case limitWorkers(cpuPercent: Int)

    /// Removes the task's folder; only ever after a `save` without the task.
    case dropTask(TaskID)
    /// A blob whose bytes have turned out wrong.
    case dropBlob(Digest)
    /// Removes all blobs but these and their parts.
    case keepBlobs([Digest])

    /// For the log.
    case say(String)
    case exit

    /// How an action stands to a disk that refuses.
    public enum Standing: Hashable, Sendable {
        /// Needs no disk, and must not wait behind one: the user is back, or the client is told to leave. Safe to do
        /// first, since the machine speaks only to workers that it knows to have started.
        case atOnce
        /// Waits its turn: what follows it may rest on it.
        case inOrder
        /// Only tidies up: what it leaves is found at the next start.
        case dispensable
    }

    public var standing: Standing {
        switch self {
        case .suspendWorker, .resumeWorker, .stopWorker, .killWorker, .limitWorkers, .say: .atOnce
        case .dropTask, .dropBlob, .keepBlobs: .dispensable
        case .storeTask, .save, .keepReceipts, .call, .fetchUnit, .fetchBlob, .findProgram, .upload, .startWorker,
            .exit:
            .inOrder
        }
    }

    /// Whether a slow disk can hold it up: such an action is done where nothing else waits for it.
    public var usesDisk: Bool {
        switch self {
        case .storeTask, .save, .keepReceipts, .dropTask, .dropBlob, .keepBlobs: true
        // It makes files and reads a program.
        case .startWorker: true
        default: false
        }
    }

    public var isExit: Bool { if case .exit = self { true } else { false } }
}

/// A request to the scheduler, ready but for the bytes of small results.
public struct SchedulerCall: Sendable {
    public var request: WireSchedulerRequest
    public var sequence: Int64
    /// Reports whose result is put into the request from the task's folder.
    public var inlineResults: [TaskID]

    package init(request: WireSchedulerRequest, sequence: Int64, inlineResults: [TaskID]) {
        self.request = request
        self.sequence = sequence
        self.inlineResults = inlineResults
    }
}
