import Domain
import Storage

/// What a commit tells other processes on the same database, so that they drop what is no longer so, and know which
/// work is open without reading it.
struct ChangeNote {
    /// One unit before and after, as far as open work is concerned; both nil: only its ledger entries changed.
    struct Unit {
        var id: WorkUnitID
        var old: OpenUnit?
        var new: OpenUnit?
    }

    /// Too much to tell: everything is read again.
    var isWhole = false
    var hasBatches = false
    /// Teams or memberships.
    var hasTeams = false
    var nextEntry: Int64?
    var nextLeaf: Int64?
    var term: Int64 = 0
    var hosts: [Int64] = []
    var volunteers: [Int64] = []
    /// Hosts whose trust or series changed.
    var trust: [Int64] = []
    var units: [Unit] = []

    /// A longer list costs others more than reading everything again.
    static let unitsMax = 20_000

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = [1, (isWhole ? 1 : 0) | (hasBatches ? 2 : 0) | (hasTeams ? 4 : 0)]
        for number in [nextEntry ?? -1, nextLeaf ?? -1, term] { bytes.append(bigEndian: UInt64(bitPattern: number)) }
        if isWhole { return bytes }
        for list in [hosts, volunteers, trust] {
            bytes.append(bigEndian: UInt32(list.count))
            for number in list { bytes.append(bigEndian: UInt64(bitPattern: number)) }
        }
        bytes.append(bigEndian: UInt32(units.count))
        for unit in units {
            bytes.append(bigEndian: UInt64(bitPattern: unit.id.rawValue))
            OpenUnit.encode(unit.old, into: &bytes)
            OpenUnit.encode(unit.new, into: &bytes)
        }
        return bytes
    }

    /// - Throws: `StoreError.corrupt`.
    init(_ bytes: [UInt8]) throws {
        var reader = NoteReader(bytes)
        guard try reader.byte() == 1 else { throw StoreError.corrupt("a note of changes of an unknown kind") }
        let flags = try reader.byte()
        (isWhole, hasBatches, hasTeams) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
        let (entry, leaf) = (try reader.integer(), try reader.integer())
        (nextEntry, nextLeaf) = (entry < 0 ? nil : entry, leaf < 0 ? nil : leaf)
        term = try reader.integer()
        if isWhole { return }
        hosts = try reader.integers()
        volunteers = try reader.integers()
        trust = try reader.integers()
        for _ in 0..<(try reader.count()) {
            let id = WorkUnitID(rawValue: try reader.integer())
            units.append(Unit(id: id, old: try OpenUnit(&reader), new: try OpenUnit(&reader)))
        }
    }

    init() {}
}

/// As much of a unit as `OpenWork` looks at.
struct OpenUnit: Equatable {
    enum Task: Equatable {
        case closed, unsent
        case sent(host: Int64, deadline: Int64)
    }

    /// 32 bytes always make a digest.
    private static let nothing = Digest(bytes: [UInt8](repeating: 0, count: 32))!

    var isAwaiting: Bool
    var tasks: [Task]

    init(_ aggregate: WorkUnitAggregate) {
        isAwaiting = aggregate.awaitsValidation
        tasks = aggregate.tasks.map { task in
            switch task.state {
            case .unsent: .unsent
            case .sent(let assignment):
                .sent(host: assignment.host.rawValue, deadline: assignment.deadline.milliseconds)
            default: .closed
            }
        }
    }

    /// A unit that says the same to `OpenWork.replace`.
    func aggregate(_ id: WorkUnitID) -> WorkUnitAggregate {
        let rule = ReplicationRule(
            quorum: 1, initial: 1, maxTotal: 1, maxErrors: 0, deadline: TimeSpan(milliseconds: 0))
        let zero = Timestamp(milliseconds: 0)
        let unit = WorkUnitRecord(
            id: id, label: "", app: "", container: OpenUnit.nothing, containerBytes: 0, flops: 0, credit: .zero,
            memoryBytes: 0,
            diskBytes: 0, outputBytesMax: 0, flopsBound: 0, checkEach: false, replication: rule,
            state: isAwaiting ? .comparing : .cancelled, revision: 0, createdAt: zero, updatedAt: zero)
        let records = tasks.enumerated().map { at, task in
            let state: TaskState =
                switch task {
                case .closed: .notNeeded
                case .unsent: .unsent
                case .sent(let host, let deadline):
                    .sent(
                        Assignment(
                            host: HostID(rawValue: host), volunteer: VolunteerID(rawValue: 0), sentAt: zero,
                            deadline: Timestamp(milliseconds: deadline)))
                }
            return TaskRecord(id: TaskID(unit: id, ordinal: at), state: state)
        }
        return WorkUnitAggregate(unit: unit, tasks: records)
    }

    fileprivate static func encode(_ unit: OpenUnit?, into bytes: inout [UInt8]) {
        guard let unit else { return bytes.append(255) }
        bytes.append(UInt8(unit.tasks.count) | (unit.isAwaiting ? 128 : 0))
        for task in unit.tasks {
            switch task {
            case .closed: bytes.append(0)
            case .unsent: bytes.append(1)
            case .sent(let host, let deadline):
                bytes.append(2)
                bytes.append(bigEndian: UInt64(bitPattern: host))
                bytes.append(bigEndian: UInt64(bitPattern: deadline))
            }
        }
    }

    /// nil: there is no such unit. At most 64 tasks, so 255 is no count with its flag.
    fileprivate init?(_ reader: inout NoteReader) throws {
        let head = try reader.byte()
        if head == 255 { return nil }
        isAwaiting = head & 128 != 0
        tasks = []
        for _ in 0..<(head & 127) {
            switch try reader.byte() {
            case 0: tasks.append(.closed)
            case 1: tasks.append(.unsent)
            case 2: tasks.append(.sent(host: try reader.integer(), deadline: try reader.integer()))
            default: throw StoreError.corrupt("a note of changes with an unknown state")
            }
        }
    }
}

/// Reads a note; what is too short is damaged.
private struct NoteReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() throws -> UInt8 {
        guard at < bytes.count else { throw StoreError.corrupt("a note of changes is cut off") }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func integer() throws -> Int64 {
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(try byte()) }
        return Int64(bitPattern: value)
    }

    /// No more than there are bytes for.
    mutating func count() throws -> Int {
        var value = 0
        for _ in 0..<4 { value = value << 8 | Int(try byte()) }
        guard value <= bytes.count - at else { throw StoreError.corrupt("a note of changes is cut off") }
        return value
    }

    mutating func integers() throws -> [Int64] { try (0..<(try count())).map { _ in try integer() } }
}
