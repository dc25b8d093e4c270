import Domain

/// What the verdicts say of one host, by how much each proves.
public struct HostEvidence: Hashable, Sendable {
    public let host: HostID
    public let volunteer: VolunteerID
    /// Confirmed by results of other volunteers.
    public var agreed = 0
    /// Proved by a mathematical check.
    public var proven = 0
    /// Accepted without anybody having looked.
    public var unchecked = 0
    /// Refused: no result of this kind.
    public var malformed = 0
    /// Refused: the claims did not stand recomputation.
    public var refuted = 0
    /// Refused: differs from a result that a check has proved.
    public var againstProven = 0
    /// Refused: differs from what two or more other volunteers agree on.
    public var outvoted = 0
    /// Refused: differs from a single result that nobody has confirmed.
    public var againstOne = 0
    /// In units that ended without an accepted result.
    public var undecided = 0
    /// The hardware class of the newest result.
    public var fingerprint = ""
    private var newest = Timestamp(milliseconds: .min)

    /// What a refused result counts as evidence of a fault. A check proves one. Two others may err or lie together, so
    /// being outvoted counts half; against a single other result it is one word against one, and counts a quarter.
    public static let outvotedWeight = 0.5
    public static let againstOneWeight = 0.25

    public init(host: HostID, volunteer: VolunteerID) {
        self.host = host
        self.volunteer = volunteer
    }

    mutating func count(_ result: UnitEvidence.Result) {
        switch result.finding {
        case .proven: proven += 1
        case .agreed: agreed += 1
        case .unchecked: unchecked += 1
        case .malformed: malformed += 1
        case .refuted: refuted += 1
        case .againstProven: againstProven += 1
        case .outvoted: outvoted += 1
        case .againstOne: againstOne += 1
        case .undecided: undecided += 1
        }
        if result.reportedAt > newest {
            newest = result.reportedAt
            fingerprint = result.fingerprint
        }
    }

    /// Results that somebody or something has looked at and decided.
    public var checked: Int { agreed + proven + refused }
    /// Refused by a mathematical check, or against a proved result.
    public var refusedByCheck: Int { malformed + refuted + againstProven }
    public var refused: Int { refusedByCheck + outvoted + againstOne }
    /// The refused results, each by what it proves.
    public var weight: Double {
        Double(refusedByCheck) + Double(outvoted) * Self.outvotedWeight + Double(againstOne) * Self.againstOneWeight
    }
    /// With 95 % confidence, at least this share of the host's results is wrong, by the weights above. A host with one
    /// bad result among two stands below one with 50 among 100: little is known of the first.
    public var failureRateMin: Double { Chance.lowerBound(weight, of: Double(checked)) }

    /// Most evidence first; equal ones by the number of results that a check refused, then by host.
    public static func precedes(_ a: HostEvidence, _ b: HostEvidence) -> Bool {
        let one = (a.failureRateMin, a.refusedByCheck, a.refused)
        let other = (b.failureRateMin, b.refusedByCheck, b.refused)
        return one == other ? a.host < b.host : one > other
    }
}
