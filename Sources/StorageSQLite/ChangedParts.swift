import Domain
import Storage

/// What an update of a row names, by groups of columns that change together: a column that is named costs its checks
/// and a look at its indexes and at the table that it refers to, whether it changes or not.
protocol ChangedParts: OptionSet where RawValue == Int {
    static var table: String { get }
    /// Columns that every update sets.
    static var always: String { get }
    /// Columns of each member, the lowest bit first.
    static var columns: [String] { get }
    /// An update for each set of members.
    static var updates: [Query] { get }
}

extension ChangedParts {
    /// Its parameters: the number of the row, then what it sets in the order of `always` and `columns`.
    var update: Query { Self.updates[rawValue] }

    static func makeUpdates() -> [Query] {
        (0..<1 << columns.count).map { set in
            let parts = columns.enumerated().filter { set & 1 << $0.offset != 0 }.map(\.element)
            let list = (["id", always] + parts).joined(separator: ", ")
            return Query("UPDATE \(table) SET \(WorkUnitColumns.assignments(list)) WHERE id = ?1")
        }
    }
}

/// Of `host`, what hardly ever changes.
struct HostParts: ChangedParts {
    let rawValue: Int

    static let owner = HostParts(rawValue: 1)
    static let profile = HostParts(rawValue: 2)
    static let all: HostParts = [.owner, .profile]

    static let table = "host"
    static let always = """
        sequence, measured_flops, valid_count, invalid_count, error_count, credit, provisional_credit, recent,
        recent_ms, created_ms, last_seen_ms, removed_ms
        """
    static let columns = [
        "volunteer, public_key",
        "name, platform, cpu_model, cores, memory_bytes, disk_free_bytes, benchmark_flops, client_version",
    ]
    static let updates = makeUpdates()
}

extension HostParts {
    /// - Parameter old: as the database has it.
    init(changedFrom old: HostRecord, to new: HostRecord) {
        var parts: HostParts = []
        if old.volunteer != new.volunteer || old.publicKey != new.publicKey { parts.insert(.owner) }
        if old.profile != new.profile { parts.insert(.profile) }
        self = parts
    }
}

/// Of `work_unit`, what may change.
struct UnitParts: ChangedParts {
    let rawValue: Int

    static let canonical = UnitParts(rawValue: 1)
    static let failure = UnitParts(rawValue: 2)

    static let table = "work_unit"
    static let always = "state, awaiting, revision, updated_ms"
    static let columns = ["canonical", "failure, failure_text"]
    static let updates = makeUpdates()
}

extension UnitParts {
    /// - Parameter old: as the database has it.
    init(changedFrom old: WorkUnitState, to new: WorkUnitState) {
        var parts: UnitParts = []
        if old.namedTask != new.namedTask { parts.insert(.canonical) }
        if old.failure != new.failure { parts.insert(.failure) }
        self = parts
    }
}

/// Of `task`, what may change.
struct TaskParts: ChangedParts {
    let rawValue: Int

    static let assignment = TaskParts(rawValue: 1)
    static let report = TaskParts(rawValue: 2)
    static let check = TaskParts(rawValue: 4)
    static let verdict = TaskParts(rawValue: 8)
    static let difference = TaskParts(rawValue: 16)
    static let error = TaskParts(rawValue: 32)

    static let table = "task"
    static let always = "state"
    static let columns = [
        "host, volunteer, sent_ms, deadline_ms",
        "reported_ms, result, result_bytes, cpu_seconds, wall_seconds, fingerprint",
        "check_state", "outcome, decided_ms, reason, compared_with", "element, distance, tolerance",
        "error_ms, error_code, error_message",
    ]
    static let updates = makeUpdates()
}

extension TaskParts {
    /// - Parameter old: as the database has it.
    init(changedFrom old: TaskState, to new: TaskState) {
        var parts: TaskParts = []
        if old.assignment != new.assignment { parts.insert(.assignment) }
        if old.report != new.report { parts.insert(.report) }
        if old.check != new.check { parts.insert(.check) }
        if old.verdict != new.verdict { parts.formUnion([.verdict, .difference]) }
        if old.verdict?.difference == nil, new.verdict?.difference == nil { parts.remove(.difference) }
        if old.error != new.error { parts.insert(.error) }
        self = parts
    }
}

extension WorkUnitState {
    /// What the column `canonical` says.
    var namedTask: TaskID? { canonical ?? provisional }
    var failure: FailureReason? { if case .failed(let reason) = self { reason } else { nil } }
}

extension TaskState {
    var check: CheckState? { if case .reported(_, _, let check) = self { check } else { nil } }
    var verdict: Verdict? { if case .decided(_, _, let verdict) = self { verdict } else { nil } }
    var error: TaskError? { if case .failed(_, let error) = self { error } else { nil } }
}
