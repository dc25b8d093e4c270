/// The number of one submission of a project, given by the server in order of arrival, from 1.
public struct BatchID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1 ... 2^21 - 1.
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (a: BatchID, b: BatchID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// A work unit: its batch and its place in the order in which the splitter made it.
///
/// The number is computed, not drawn, so that a splitter that runs twice cannot make a unit twice.
public struct WorkUnitID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// `batch << 36 | index`.
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// - Parameter index: 0 ... 2^36 - 1, the unit's place in its batch.
    public init(batch: BatchID, index: Int64) {
        precondition(index >= 0 && index < 1 << 36 && batch.rawValue < 1 << 21)
        rawValue = batch.rawValue << 36 | index
    }

    public var batch: BatchID { BatchID(rawValue: rawValue >> 36) }
    public var index: Int64 { rawValue & (1 << 36 - 1) }
    public static func < (a: WorkUnitID, b: WorkUnitID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(batch).\(index)" }
}

/// A task: one replica of a work unit, and its place among that unit's replicas.
public struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// `unit << 6 | ordinal`.
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// - Parameter ordinal: 0 ... 63.
    public init(unit: WorkUnitID, ordinal: Int) {
        precondition(ordinal >= 0 && ordinal < 64)
        rawValue = unit.rawValue << 6 | Int64(ordinal)
    }

    public var unit: WorkUnitID { WorkUnitID(rawValue: rawValue >> 6) }
    public var ordinal: Int { Int(rawValue & 63) }
    public static func < (a: TaskID, b: TaskID) -> Bool { a.rawValue < b.rawValue }
    /// For people: `batch.index#ordinal`.
    public var description: String { "\(unit)#\(ordinal)" }
}

/// A computer, from 1. Its identity is its Ed25519 public key; the number is the server's short name for it.
public struct HostID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (a: HostID, b: HostID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// The person who owns hosts, from 1.
public struct VolunteerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (a: VolunteerID, b: VolunteerID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}
