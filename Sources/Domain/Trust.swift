/// What a host's checked results say of it, for one app.
///
/// Counted are results that somebody else confirmed or refuted: by agreeing with a second result, by a mathematical
/// check, or by failing one. `Engine.Trust` says what follows from it.
public struct TrustRecord: Hashable, Sendable {
    public var host: HostID
    /// The app's name without its version: a new version does not make a liar honest.
    public var app: String
    /// The number of the newest result of this host's series; 0: none.
    public var lastSequence: Int64
    /// Results that passed a check since the last that failed.
    public var streak: Int64
    /// The same, each worth less the older it is; as of `evidenceAt`.
    public var evidence: Double
    public var evidenceAt: Timestamp
    /// Results that ever passed.
    public var passed: Int64
    /// Results that ever failed.
    public var failed: Int64
    public var lastFailedAt: Timestamp?

    public init(
        host: HostID, app: String, lastSequence: Int64 = 0, streak: Int64 = 0, evidence: Double = 0,
        evidenceAt: Timestamp = Timestamp(milliseconds: 0), passed: Int64 = 0, failed: Int64 = 0,
        lastFailedAt: Timestamp? = nil
    ) {
        self.host = host
        self.app = app
        self.lastSequence = lastSequence
        self.streak = streak
        self.evidence = evidence
        self.evidenceAt = evidenceAt
        self.passed = passed
        self.failed = failed
        self.lastFailedAt = lastFailedAt
    }
}

/// A result in the series of its host and app, in the order in which results were found plausible.
public struct SeriesEntry: Hashable, Sendable {
    /// The raw value is what is stored.
    public enum State: Int, Hashable, Sendable, CaseIterable {
        /// A second result is waited for.
        case checking = 0
        /// It stands until its window has passed.
        case provisional = 1
        /// It stands, and the draw at the close of its batch has passed it by.
        case audited = 2
        /// A second result, or a mathematical check, confirmed it.
        case passed = 3
        /// Its window has passed.
        case confirmed = 4
        /// It was refuted.
        case failed = 5
        /// A failure of its host came before its window had passed: it is computed again.
        case voided = 6
        /// Its unit ended without a verdict on it.
        case dropped = 7

        /// Whether its credit is provisional.
        public var isStanding: Bool { self == .provisional || self == .audited }
    }

    public var task: TaskID
    public var host: HostID
    public var app: String
    /// 1, 2, 3 ... within host and app.
    public var sequence: Int64
    public var state: State

    public init(task: TaskID, host: HostID, app: String, sequence: Int64, state: State) {
        self.task = task
        self.host = host
        self.app = app
        self.sequence = sequence
        self.state = state
    }
}
