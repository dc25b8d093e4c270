/// A moment: milliseconds since 1970-01-01 UTC. Always a parameter, never read inside a core.
public struct Timestamp: Hashable, Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public init(seconds: Int64) {
        milliseconds = seconds * 1000
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (t: Timestamp, span: TimeSpan) -> Timestamp {
        Timestamp(milliseconds: t.milliseconds + span.milliseconds)
    }
    public static func - (a: Timestamp, b: Timestamp) -> TimeSpan {
        TimeSpan(milliseconds: a.milliseconds - b.milliseconds)
    }
}

/// A length of time in milliseconds.
public struct TimeSpan: Hashable, Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Rounded to the nearest millisecond; values beyond +-100 years are cut to that.
    public init(seconds: Double) {
        let century = 3_155_760_000.0
        milliseconds = Int64((min(max(seconds, -century), century) * 1000).rounded())
    }

    public var seconds: Double { Double(milliseconds) / 1000 }
    public static let zero = TimeSpan(milliseconds: 0)
    public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (a: TimeSpan, b: TimeSpan) -> TimeSpan {
        TimeSpan(milliseconds: a.milliseconds + b.milliseconds)
    }
}
