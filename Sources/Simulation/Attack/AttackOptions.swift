import Domain

/// Who attacks.
public enum AttackKind: String, CaseIterable, Sendable {
    /// One host that is honest as long as that pays.
    case farm
    /// One host that never computes.
    case lazy
    /// One host that hands in what others have found.
    case copycat
    /// One person under many names.
    case sybil
    /// A clique that is a share of all hosts.
    case collude
}

/// What is measured, and on how much.
public struct AttackOptions: Hashable, Sendable {
    public var kind = AttackKind.farm
    public var seeds: ClosedRange<UInt64> = 1...1000
    /// The share q of a proven host's results that is checked, above 0 and below 1.
    public var checkRate = 0.1
    /// Results W that must follow before one is final.
    public var window = 50
    /// Results of the attackers in each seed: of one host, or of all hosts where a crowd takes part.
    public var results = 400
    /// Only strategies whose name begins like this, and no distinguisher; nil: all.
    public var only: String?
    /// nil: the real rule. Else the share that is checked in truth, whatever is promised: a rule that is too weak,
    /// which the measurement must find out.
    public var plantedRate: Double?

    public init(kind: AttackKind) {
        self.kind = kind
    }

    var rule: AdaptiveRule { AdaptiveRule(checkRate: checkRate, window: window) }
}

/// What attackers got out of one seed.
struct AttackTally: Hashable {
    /// Results that they reported.
    var results = 0
    /// Of these, forged ones that became final as valid.
    var accepted = 0
}
