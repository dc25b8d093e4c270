import Domain

/// For how many days each role's file is valid.
public struct ReleaseTerms: Hashable, Sendable {
    public var root: Int
    public var targets: Int
    public var snapshot: Int
    /// How long a client can be kept from news without noticing it, and how often somebody must renew it at least.
    public var timestamp: Int

    public init(root: Int = 730, targets: Int = 365, snapshot: Int = 90, timestamp: Int = 14) {
        self.root = root
        self.targets = targets
        self.snapshot = snapshot
        self.timestamp = timestamp
    }

    public static let daysMax = 3660

    func end(of role: ReleaseRole, from now: Timestamp) -> Timestamp {
        let days =
            switch role {
            case .root: root
            case .targets: targets
            case .snapshot: snapshot
            case .timestamp, .anchor: timestamp
            }
        return Timestamp(seconds: now.milliseconds / 1000 + Int64(days) * 86_400)
    }
}
