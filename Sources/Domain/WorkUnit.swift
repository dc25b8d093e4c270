/// What the server knows of a work unit. Everything but `state`, `revision` and `updatedAt` never changes.
///
/// Records are copied at every look, step and change, and all copies of one share what never changes: whoever sets a
/// field of that part gets a part of his own.
public struct WorkUnitRecord: Hashable, Sendable {
    public var id: WorkUnitID
    public var state: WorkUnitState
    /// Counts the saved changes; a save with another revision than the stored one is refused.
    public var revision: Int64
    public var updatedAt: Timestamp
    @usableFromInline
    var fixed: WorkUnitFixed

    public init(
        id: WorkUnitID, label: String, app: String, container: Digest, containerBytes: Int64, flops: Double,
        credit: Credit, memoryBytes: Int64, diskBytes: Int64, outputBytesMax: Int64, flopsBound: Double,
        checkEach: Bool, replication: ReplicationRule, state: WorkUnitState, revision: Int64, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.state = state
        self.revision = revision
        self.updatedAt = updatedAt
        fixed = WorkUnitFixed(
            WorkUnitTraits(
                label: label, app: app, container: container, containerBytes: containerBytes, flops: flops,
                credit: credit, memoryBytes: memoryBytes, diskBytes: diskBytes, outputBytesMax: outputBytesMax,
                flopsBound: flopsBound, checkEach: checkEach, replication: replication, createdAt: createdAt))
    }
}

/// What never changes of a work unit.
extension WorkUnitRecord {
    /// For people: what the splitter calls this piece, for example `band 25, ratios 0-7`.
    @inlinable public var label: String {
        get { fixed.traits.label }
        set { set(\.label, newValue) }
    }
    @inlinable public var app: String {
        get { fixed.traits.app }
        set { set(\.app, newValue) }
    }
    /// The signed container, a blob.
    @inlinable public var container: Digest {
        get { fixed.traits.container }
        set { set(\.container, newValue) }
    }
    @inlinable public var containerBytes: Int64 {
        get { fixed.traits.containerBytes }
        set { set(\.containerBytes, newValue) }
    }
    /// Floating-point operations, from the splitter: the base of credit and of run-time estimates.
    @inlinable public var flops: Double {
        get { fixed.traits.flops }
        set { set(\.flops, newValue) }
    }
    /// Credit that each valid task of this unit earns.
    @inlinable public var credit: Credit {
        get { fixed.traits.credit }
        set { set(\.credit, newValue) }
    }
    @inlinable public var memoryBytes: Int64 {
        get { fixed.traits.memoryBytes }
        set { set(\.memoryBytes, newValue) }
    }
    @inlinable public var diskBytes: Int64 {
        get { fixed.traits.diskBytes }
        set { set(\.diskBytes, newValue) }
    }
    @inlinable public var outputBytesMax: Int64 {
        get { fixed.traits.outputBytesMax }
        set { set(\.outputBytesMax, newValue) }
    }
    /// A task is stopped after this many floating-point operations at the host's measured speed.
    @inlinable public var flopsBound: Double {
        get { fixed.traits.flopsBound }
        set { set(\.flopsBound, newValue) }
    }
    @inlinable public var checkEach: Bool {
        get { fixed.traits.checkEach }
        set { set(\.checkEach, newValue) }
    }
    @inlinable public var replication: ReplicationRule {
        get { fixed.traits.replication }
        set { set(\.replication, newValue) }
    }
    @inlinable public var createdAt: Timestamp {
        get { fixed.traits.createdAt }
        set { set(\.createdAt, newValue) }
    }

    @usableFromInline
    mutating func set<Value>(_ trait: WritableKeyPath<WorkUnitTraits, Value>, _ value: Value) {
        var traits = fixed.traits
        traits[keyPath: trait] = value
        fixed = WorkUnitFixed(traits)
    }
}

@usableFromInline
struct WorkUnitTraits: Hashable, Sendable {
    @usableFromInline var label: String
    @usableFromInline var app: String
    @usableFromInline var container: Digest
    @usableFromInline var containerBytes: Int64
    @usableFromInline var flops: Double
    @usableFromInline var credit: Credit
    @usableFromInline var memoryBytes: Int64
    @usableFromInline var diskBytes: Int64
    @usableFromInline var outputBytesMax: Int64
    @usableFromInline var flopsBound: Double
    @usableFromInline var checkEach: Bool
    @usableFromInline var replication: ReplicationRule
    @usableFromInline var createdAt: Timestamp
}

/// The traits of a work unit, on the heap for all copies of its record.
@usableFromInline
final class WorkUnitFixed: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline let traits: WorkUnitTraits

    init(_ traits: WorkUnitTraits) {
        self.traits = traits
    }

    /// What two records share need not be compared; it is the same in most comparisons.
    @usableFromInline
    static func == (a: WorkUnitFixed, b: WorkUnitFixed) -> Bool { a === b || a.traits == b.traits }

    @usableFromInline
    func hash(into hasher: inout Hasher) { hasher.combine(traits) }

    /// What is printed of a record says all of it.
    @usableFromInline
    var description: String { "\(traits)" }
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
