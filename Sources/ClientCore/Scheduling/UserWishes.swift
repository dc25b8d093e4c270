import Domain

/// What the user asked of the client beyond its settings; survives a restart.
public struct UserWishes: Hashable, Sendable, Codable {
    /// Nothing is computed.
    public var pause: Pause?
    /// The project gives no new tasks; what is held is computed.
    public var noNewWorkSince: Timestamp?
    /// What is begun is finished, the rest goes back, and then the client ends.
    public var finishingSince: Timestamp?

    public struct Pause: Hashable, Sendable, Codable {
        public var since: Timestamp
        /// nil: until the user ends it.
        public var until: Timestamp?
        /// The settings said so, not the user.
        public var isFromStart = false

        public init(since: Timestamp, until: Timestamp?, isFromStart: Bool = false) {
            self.since = since
            self.until = until
            self.isFromStart = isFromStart
        }

        /// As a status told of it.
        public init(_ hold: ClientStatus.Hold) {
            self.init(
                since: Timestamp(milliseconds: hold.sinceMs ?? 0),
                until: hold.untilMs.map { Timestamp(milliseconds: $0) })
        }
    }

    public init() {}

    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        pause = pause.map {
            Pause(since: $0.since + step, until: $0.until.map { $0 + step }, isFromStart: $0.isFromStart)
        }
        noNewWorkSince = noNewWorkSince.map { $0 + step }
        finishingSince = finishingSince.map { $0 + step }
    }
}

/// The project gets no requests for work, since too many of its tasks failed here one after the other.
public struct FailurePause: Hashable, Sendable, Codable {
    public var since: Timestamp
    /// When one more try is made.
    public var until: Timestamp
    public var failures: Int
    /// Of the last one.
    public var reason: String

    public init(since: Timestamp, until: Timestamp, failures: Int, reason: String) {
        self.since = since
        self.until = until
        self.failures = failures
        self.reason = reason
    }
}
