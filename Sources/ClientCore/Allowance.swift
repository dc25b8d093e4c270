import Domain

/// What may be done now, and everything that stands against more.
public struct Allowance: Hashable, Sendable {
    /// Whether somebody uses the machine, as far as the probes tell.
    public var isInUse: Bool
    public var mayCompute: Bool
    public var mayUseNetwork: Bool
    /// Tasks at once, of those that the machine's preferences allow for this state; 1 and more.
    public var cores: Int
    /// 1 ... 100, of one core for each task.
    public var cpuPercent: Int
    /// What running tasks may declare together; nil: the machine's memory is not known.
    public var memoryBytes: Int64?
    /// Memory is short: paused workers write their checkpoints and leave now.
    public var releasesMemory: Bool
    /// All of them; those against computing first, in the order of `Objection.Cause`.
    public var objections: [Objection]
}

/// One reason why something is not done.
public struct Objection: Hashable, Sendable {
    public enum Subject: String, Hashable, Sendable, Codable {
        case computing, network
    }

    public enum Cause: String, Hashable, Sendable, Codable, CaseIterable {
        case notLookedAt = "not looked at"
        case user
        /// A probe that spoke does so no more.
        case silence
        case otherLoad = "other programs"
        case exclusiveProgram = "exclusive program"
        case fullScreen = "full screen"
        case battery, temperature
        case memoryPressure = "memory pressure"
        case diskPressure = "disk pressure"
        case permission
        /// The preferences forbid it in this state.
        case preferences
        case computeWindow = "compute window"
        case networkWindow = "network window"
        case metered
        case dayLimit = "day limit"

        public var subject: Subject {
            switch self {
            case .networkWindow, .metered, .dayLimit: .network
            default: .computing
            }
        }
    }

    public var cause: Cause
    /// Whose reading it rests on; nil: on none.
    public var probe: ProbeKind?
    /// For example `keyboard or pointer were used 3 s ago`.
    public var reason: String
    /// Since when this cause stands against it, without a break.
    public var since: Timestamp
    /// What would have to change.
    public var until: String
    /// When it ends if nothing happens; nil: that is not known.
    public var endsAt: Timestamp?
}

/// What was sent and fetched on a day of local time, by all of this machine's projects together.
public struct NetworkUsage: Hashable, Sendable {
    /// As `UTCDay.number` of the local time.
    public var day: Int64
    public var bytes: Int64

    public init(day: Int64, bytes: Int64) {
        self.day = day
        self.bytes = bytes
    }

    /// The local day in which a moment lies.
    ///
    /// - Parameter utcOffsetSeconds: local time minus UTC.
    public static func day(of moment: Timestamp, utcOffsetSeconds: Int) -> Int64 {
        UTCDay(moment + TimeSpan(milliseconds: Int64(utcOffsetSeconds) * 1000)).number
    }
}
