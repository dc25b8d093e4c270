import Domain

/// Teams, and who was in which when.
public protocol TeamTable {
    func team(_ id: TeamID) throws -> TeamRecord?
    func team(named name: String) throws -> TeamRecord?
    /// All teams in order of number.
    func teams() throws -> [TeamRecord]
    /// Gives the team the next number, from 1. - Throws: `StoreError.duplicate` when the name is taken.
    func insertTeam(_ make: (TeamID) -> TeamRecord) throws -> TeamRecord
    /// Only credit and average change. - Throws: `StoreError.conflict` otherwise.
    func updateTeam(_ team: TeamRecord) throws
    /// A volunteer's history in order of time.
    func memberships(of volunteer: VolunteerID) throws -> [Membership]
    /// A team's history, in order of the moment of joining and then of volunteers.
    func memberships(in team: TeamID) throws -> [Membership]
    /// All memberships that last, in order of volunteers.
    func lastingMemberships() throws -> [Membership]
    /// The team a volunteer belonged to at a moment.
    func team(of volunteer: VolunteerID, at moment: Timestamp) throws -> TeamID?
    /// Appends a membership that lasts.
    /// - Throws: `StoreError.conflict` when it is closed, another one lasts, or it begins before the last one ended.
    func insertMembership(_ membership: Membership) throws
    /// Closes the membership that lasts.
    /// - Throws: `StoreError.missing` when none does, `StoreError.conflict` when it began after `moment`.
    func closeMembership(of volunteer: VolunteerID, at moment: Timestamp) throws
}

/// What hosts received for good, by day: so that no export walks over the ledger.
///
/// `LedgerTable.appendLedger` keeps it: the day is that of the entry in UTC, the team the one that the host's volunteer
/// belonged to at that moment.
public protocol CreditDayTable {
    /// All days of a host, in order of day, project and team.
    func creditDays(of host: HostID) throws -> [CreditDay]
    /// Sums over the days from the first to the last, in order of the key. Keys without a row are left out.
    func creditSums(by grouping: CreditGrouping, from first: UTCDay, through last: UTCDay) throws -> [CreditSum]
}

/// What a host received for a project on a day.
public struct CreditDay: Hashable, Sendable {
    public var day: UTCDay
    public var host: HostID
    public var project: String
    /// The team it counts for; nil: the volunteer was in none.
    public var team: TeamID?
    public var amount: Credit

    public init(day: UTCDay, host: HostID, project: String, team: TeamID?, amount: Credit) {
        self.day = day
        self.host = host
        self.project = project
        self.team = team
        self.amount = amount
    }
}

/// By what credit is summed.
public enum CreditGrouping: String, Hashable, Sendable, CaseIterable {
    case volunteer, host, team, project, day
}

/// Credit of one volunteer, host, team, project or day.
public struct CreditSum: Hashable, Sendable {
    public enum Key: Hashable, Sendable {
        case volunteer(VolunteerID)
        case host(HostID)
        /// Nil, which comes first: earned outside of teams.
        case team(TeamID?)
        /// In order of UTF-8.
        case project(String)
        case day(UTCDay)
    }

    public var key: Key
    public var amount: Credit

    public init(key: Key, amount: Credit) {
        self.key = key
        self.amount = amount
    }
}

extension LedgerEntry {
    /// What the entry changes on the accounts of hosts, final ones only: host and signed amount.
    public var finalCredit: [(host: HostID, amount: Credit)] {
        var changes: [(host: HostID, amount: Credit)] = []
        if case .host(let id) = credit { changes.append((id, amount)) }
        if case .host(let id) = debit { changes.append((id, -amount)) }
        return changes
    }
}
