/// What the server knows of a work unit. Everything but `state`, `revision` and `updatedAt` never changes.
public struct WorkUnitRecord: Hashable, Sendable {
    public var id: WorkUnitID
    /// For people: what the splitter calls this piece, for example `band 25, ratios 0-7`.
    public var label: String
    public var app: String
    /// The signed container, a blob.
    public var container: Digest
    public var containerBytes: Int64
    /// Floating-point operations, from the splitter: the base of credit and of run-time estimates.
    public var flops: Double
    /// Credit that each valid task of this unit earns.
    public var credit: Credit
    public var memoryBytes: Int64
    public var diskBytes: Int64
    public var outputBytesMax: Int64
    /// A task is stopped after this many floating-point operations at the host's measured speed.
    public var flopsBound: Double
    public var checkEach: Bool
    public var replication: ReplicationRule
    public var state: WorkUnitState
    /// Counts the saved changes; a save with another revision than the stored one is refused.
    public var revision: Int64
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: WorkUnitID, label: String, app: String, container: Digest, containerBytes: Int64, flops: Double,
        credit: Credit, memoryBytes: Int64, diskBytes: Int64, outputBytesMax: Int64, flopsBound: Double,
        checkEach: Bool, replication: ReplicationRule, state: WorkUnitState, revision: Int64, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.label = label
        self.app = app
        self.container = container
        self.containerBytes = containerBytes
        self.flops = flops
        self.credit = credit
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.outputBytesMax = outputBytesMax
        self.flopsBound = flopsBound
        self.checkEach = checkEach
        self.replication = replication
        self.state = state
        self.revision = revision
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// The life of a work unit. `docs/state-machines.md` has the picture.
public enum WorkUnitState: Hashable, Sendable {
    /// No task was sent yet.
    case ready
    /// At least one task was sent, and results are missing.
    case active
    /// Enough results are here; checks or comparisons are under way.
    case comparing
    /// The single result of a proven host stands until its window has passed; see `AcceptanceRule.adaptive`.
    case provisional(TaskID)
    /// A quorum agreed, a check proved the result, or its window passed: `canonical` is one of the agreeing tasks.
    case validated(canonical: TaskID)
    /// The canonical result has gone into the answer.
    case assembled(canonical: TaskID)
    /// Inputs and results other than the canonical one are deleted.
    case purged(canonical: TaskID)
    case failed(FailureReason)
    case cancelled

    /// Whether nothing more will be computed for the unit.
    public var isFinal: Bool {
        switch self {
        case .ready, .active, .comparing, .provisional: false
        case .validated, .assembled, .purged, .failed, .cancelled: true
        }
    }

    /// The canonical task of a unit that has one.
    public var canonical: TaskID? {
        switch self {
        case .validated(let task), .assembled(let task), .purged(let task): task
        case .ready, .active, .comparing, .provisional, .failed, .cancelled: nil
        }
    }

    /// The task whose result stands provisionally.
    public var provisional: TaskID? {
        if case .provisional(let task) = self { task } else { nil }
    }
}

/// Why a work unit ended without a canonical result.
public enum FailureReason: Hashable, Sendable {
    /// More tasks failed than `maxErrors` allows.
    case tooManyErrors
    /// `maxTotal` tasks were made and no quorum agreed.
    case noAgreement
    /// The container could not be made or read; the text is for the admin.
    case unusable(String)
}

/// A work unit with all its tasks, in order of ordinal: what the work-unit machine decides on, loaded and saved whole.
public struct WorkUnitAggregate: Hashable, Sendable {
    public var unit: WorkUnitRecord
    public var tasks: [TaskRecord]

    public init(unit: WorkUnitRecord, tasks: [TaskRecord]) {
        self.unit = unit
        self.tasks = tasks
    }
}
