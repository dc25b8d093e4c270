/// The number of a team, given by the server in order of founding, from 1.
public struct TeamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (a: TeamID, b: TeamID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// A group of volunteers whose credit is counted together.
public struct TeamRecord: Hashable, Sendable {
    public var id: TeamID
    /// Chosen by the founder; shown on pages; the rules of volunteers' names.
    public var name: String
    public var founder: VolunteerID
    /// What members earned while they were members; it never moves with them.
    public var credit: Credit
    public var recent: RecentAverage
    public var createdAt: Timestamp

    public init(
        id: TeamID, name: String, founder: VolunteerID, credit: Credit = .zero, recent: RecentAverage = .zero,
        createdAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.founder = founder
        self.credit = credit
        self.recent = recent
        self.createdAt = createdAt
    }
}

/// That a volunteer belonged to a team for a while. Those of one volunteer never overlap, and nothing of them is ever
/// edited: one is appended, and closed once.
public struct Membership: Hashable, Sendable {
    public var volunteer: VolunteerID
    public var team: TeamID
    public var from: Timestamp
    /// The first moment that no longer belongs to it; nil: it lasts.
    public var until: Timestamp?

    public init(volunteer: VolunteerID, team: TeamID, from: Timestamp, until: Timestamp? = nil) {
        self.volunteer = volunteer
        self.team = team
        self.from = from
        self.until = until
    }

    public func contains(_ moment: Timestamp) -> Bool { from <= moment && until.map { moment < $0 } ?? true }
}
