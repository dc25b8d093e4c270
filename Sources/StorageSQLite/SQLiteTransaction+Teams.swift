import Domain
import Storage

private enum TeamSQL {
    static let columns = "id, name, founder, credit, recent, recent_ms, created_ms"
    static let one = Query("SELECT \(columns) FROM team WHERE id = ?")
    static let named = Query("SELECT \(columns) FROM team WHERE name = ?")
    static let all = Query("SELECT \(columns) FROM team ORDER BY id")
    static let next = Query("SELECT coalesce(max(id), 0) + 1 FROM team")
    static let insert = Query("INSERT INTO team (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?)")
    static let update = Query("UPDATE team SET credit = ?2, recent = ?3, recent_ms = ?4 WHERE id = ?1")

    static let membership = "volunteer, team, from_ms, until_ms"
    static let ofVolunteer = Query("SELECT \(membership) FROM membership WHERE volunteer = ? ORDER BY id")
    static let inTeam = Query("SELECT \(membership) FROM membership WHERE team = ? ORDER BY from_ms, volunteer")
    static let lasting = Query("SELECT \(membership) FROM membership WHERE until_ms IS NULL ORDER BY volunteer")
    static let last = Query("SELECT \(membership) FROM membership WHERE volunteer = ? ORDER BY id DESC LIMIT 1")
    static let join = Query(
        """
        INSERT INTO membership (id, \(membership))
        VALUES ((SELECT coalesce(max(id), 0) + 1 FROM membership), ?, ?, ?, NULL)
        """)
    static let leave = Query("UPDATE membership SET until_ms = ?2 WHERE volunteer = ?1 AND until_ms IS NULL")
}

extension SQLiteTransaction {
    func team(_ id: TeamID) throws -> TeamRecord? {
        try connection.first(TeamSQL.one, { $0.integer(id.rawValue) }, readTeam)
    }

    func team(named name: String) throws -> TeamRecord? {
        try connection.first(TeamSQL.named, { $0.text(name) }, readTeam)
    }

    func teams() throws -> [TeamRecord] { try connection.all(TeamSQL.all, readTeam) }

    func insertTeam(_ make: (TeamID) -> TeamRecord) throws -> TeamRecord {
        let id = TeamID(rawValue: try connection.first(TeamSQL.next) { $0.integer() } ?? 1)
        let team = make(id)
        guard team.id == id else { throw StoreError.conflict("team \(team.id) where \(id) was given") }
        try StoreRules.check(team)
        try requireVolunteer(team.founder)
        guard try self.team(named: team.name) == nil else { throw StoreError.duplicate("team named \(team.name)") }
        try write(TeamSQL.insert) {
            $0.integer(team.id.rawValue)
            $0.text(team.name)
            $0.integer(team.founder.rawValue)
            $0.integer(team.credit.microcobblestones)
            $0.recent(team.recent)
            $0.time(team.createdAt)
        }
        return team
    }

    func updateTeam(_ team: TeamRecord) throws {
        guard let old = try self.team(team.id) else { throw StoreError.missing("team \(team.id)") }
        try StoreRules.check(team, replacing: old)
        try write(TeamSQL.update) {
            $0.integer(team.id.rawValue)
            $0.integer(team.credit.microcobblestones)
            $0.recent(team.recent)
        }
    }

    func memberships(of volunteer: VolunteerID) throws -> [Membership] {
        try alive()
        if let known = aside.memberships.value(volunteer) { return known }
        let found = try connection.all(TeamSQL.ofVolunteer, { $0.integer(volunteer.rawValue) }, readMembership)
        aside.memberships.keep(volunteer, found)
        return found
    }

    func memberships(in team: TeamID) throws -> [Membership] {
        try connection.all(TeamSQL.inTeam, { $0.integer(team.rawValue) }, readMembership)
    }

    func lastingMemberships() throws -> [Membership] { try connection.all(TeamSQL.lasting, readMembership) }

    func team(of volunteer: VolunteerID, at moment: Timestamp) throws -> TeamID? {
        try memberships(of: volunteer).last { $0.contains(moment) }?.team
    }

    func insertMembership(_ membership: Membership) throws {
        try requireVolunteer(membership.volunteer)
        guard try team(membership.team) != nil else { throw StoreError.missing("team \(membership.team)") }
        try StoreRules.check(membership, after: try lastMembership(of: membership.volunteer))
        aside.memberships.drop(membership.volunteer)
        try write(TeamSQL.join) {
            $0.integer(membership.volunteer.rawValue)
            $0.integer(membership.team.rawValue)
            $0.time(membership.from)
        }
    }

    func closeMembership(of volunteer: VolunteerID, at moment: Timestamp) throws {
        guard let last = try lastMembership(of: volunteer), last.until == nil else {
            throw StoreError.missing("a membership of volunteer \(volunteer) that lasts")
        }
        _ = try StoreRules.closed(last, at: moment)
        aside.memberships.drop(volunteer)
        try write(TeamSQL.leave) {
            $0.integer(volunteer.rawValue)
            $0.time(moment)
        }
    }

    private func lastMembership(of volunteer: VolunteerID) throws -> Membership? {
        try connection.first(TeamSQL.last, { $0.integer(volunteer.rawValue) }, readMembership)
    }

    private func readTeam(_ row: inout Row) -> TeamRecord {
        TeamRecord(
            id: TeamID(rawValue: row.integer()), name: row.text(), founder: VolunteerID(rawValue: row.integer()),
            credit: Credit(microcobblestones: row.integer()), recent: row.recent(), createdAt: row.time())
    }

    private func readMembership(_ row: inout Row) -> Membership {
        Membership(
            volunteer: VolunteerID(rawValue: row.integer()), team: TeamID(rawValue: row.integer()), from: row.time(),
            until: row.optionalInteger().map(Timestamp.init(milliseconds:)))
    }
}

extension Binder {
    /// Two columns.
    mutating func recent(_ average: RecentAverage) {
        real(average.perDay)
        time(average.at)
    }
}

extension Row {
    mutating func recent() -> RecentAverage { RecentAverage(perDay: real(), at: time()) }
}
