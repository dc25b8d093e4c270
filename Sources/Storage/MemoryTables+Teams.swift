import Domain

/// A row of `CreditDay`, in the order in which a host's rows are listed.
struct CreditDayKey: Hashable, Comparable {
    var day: UTCDay
    var project: String
    /// 0: none.
    var team: Int64

    static func < (a: CreditDayKey, b: CreditDayKey) -> Bool {
        if a.day != b.day { return a.day < b.day }
        if a.project != b.project { return a.project.utf8.lexicographicallyPrecedes(b.project.utf8) }
        return a.team < b.team
    }
}

extension MemoryTables {
    func team(_ id: TeamID) throws -> TeamRecord? { row(id.rawValue, of: teamRows) }

    func team(named name: String) throws -> TeamRecord? {
        try teamsByName[Array(name.utf8)].flatMap { try team($0) }
    }

    func teams() throws -> [TeamRecord] { teamRows }

    func insertTeam(_ make: (TeamID) -> TeamRecord) throws -> TeamRecord {
        let id = TeamID(rawValue: Int64(teamRows.count) + 1)
        let team = make(id)
        guard team.id == id else { throw StoreError.conflict("team \(team.id) where \(id) was given") }
        try StoreRules.check(team)
        guard try volunteer(team.founder) != nil else { throw StoreError.missing("volunteer \(team.founder)") }
        let name = Array(team.name.utf8)
        guard teamsByName[name] == nil else { throw StoreError.duplicate("team named \(team.name)") }
        append(team, to: \.teamRows)
        set(name, of: \.teamsByName, to: id)
        return team
    }

    func updateTeam(_ team: TeamRecord) throws {
        guard let old = try self.team(team.id) else { throw StoreError.missing("team \(team.id)") }
        try StoreRules.check(team, replacing: old)
        set(row: Int(team.id.rawValue) - 1, of: \.teamRows, to: team)
    }

    func memberships(of volunteer: VolunteerID) throws -> [Membership] { membershipRows[volunteer] ?? [] }

    func memberships(in team: TeamID) throws -> [Membership] {
        membershipRows.values.joined().filter { $0.team == team }
            .sorted { ($0.from, $0.volunteer) < ($1.from, $1.volunteer) }
    }

    func lastingMemberships() throws -> [Membership] {
        membershipRows.values.compactMap { $0.last { $0.until == nil } }.sorted { $0.volunteer < $1.volunteer }
    }

    func team(of volunteer: VolunteerID, at moment: Timestamp) throws -> TeamID? {
        membershipRows[volunteer]?.last { $0.contains(moment) }?.team
    }

    func insertMembership(_ membership: Membership) throws {
        guard try volunteer(membership.volunteer) != nil else {
            throw StoreError.missing("volunteer \(membership.volunteer)")
        }
        guard try team(membership.team) != nil else { throw StoreError.missing("team \(membership.team)") }
        let others = membershipRows[membership.volunteer] ?? []
        try StoreRules.check(membership, after: others.last)
        set(membership.volunteer, of: \.membershipRows, to: others + [membership])
    }

    func closeMembership(of volunteer: VolunteerID, at moment: Timestamp) throws {
        var rows = membershipRows[volunteer] ?? []
        guard let last = rows.indices.last, rows[last].until == nil else {
            throw StoreError.missing("a membership of volunteer \(volunteer) that lasts")
        }
        rows[last] = try StoreRules.closed(rows[last], at: moment)
        set(volunteer, of: \.membershipRows, to: rows)
    }

    // MARK: Days

    /// Called for every entry that is appended.
    func countDays(_ entry: LedgerEntry) throws {
        for (host, amount) in entry.finalCredit {
            guard let owner = try self.host(host)?.volunteer else { throw StoreError.missing("host \(host)") }
            let team = try team(of: owner, at: entry.at)
            let key = CreditDayKey(day: UTCDay(entry.at), project: entry.project, team: team?.rawValue ?? 0)
            let old = creditDayRows[host]?[key]
            creditDayRows[host, default: [:]][key] = (old ?? .zero) + amount
            undo.append { $0.creditDayRows[host]?[key] = old }
        }
    }

    func creditDays(of host: HostID) throws -> [CreditDay] {
        (creditDayRows[host] ?? [:]).sorted { $0.key < $1.key }.map { key, amount in
            CreditDay(
                day: key.day, host: host, project: key.project,
                team: key.team == 0 ? nil : TeamID(rawValue: key.team), amount: amount)
        }
    }

    func creditSums(by grouping: CreditGrouping, from first: UTCDay, through last: UTCDay) throws -> [CreditSum] {
        var numbers: [Int64: Credit] = [:]
        var projects: [String: Credit] = [:]
        for (host, rows) in creditDayRows {
            for (key, amount) in rows where first <= key.day && key.day <= last {
                switch grouping {
                case .host: numbers[host.rawValue, default: .zero] = numbers[host.rawValue, default: .zero] + amount
                case .volunteer:
                    guard let owner = try self.host(host)?.volunteer.rawValue else { continue }
                    numbers[owner, default: .zero] = numbers[owner, default: .zero] + amount
                case .team: numbers[key.team, default: .zero] = numbers[key.team, default: .zero] + amount
                case .day:
                    numbers[key.day.number, default: .zero] = numbers[key.day.number, default: .zero] + amount
                case .project: projects[key.project, default: .zero] = projects[key.project, default: .zero] + amount
                }
            }
        }
        if grouping == .project {
            return projects.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { CreditSum(key: .project($0.key), amount: $0.value) }
        }
        return numbers.sorted { $0.key < $1.key }.map { number, amount in
            CreditSum(key: CreditSum.Key(grouping, number: number), amount: amount)
        }
    }
}

extension CreditSum.Key {
    /// The key of a grouping by numbers; team 0 is none.
    package init(_ grouping: CreditGrouping, number: Int64) {
        switch grouping {
        case .volunteer: self = .volunteer(VolunteerID(rawValue: number))
        case .host: self = .host(HostID(rawValue: number))
        case .team: self = .team(number == 0 ? nil : TeamID(rawValue: number))
        case .day: self = .day(UTCDay(number: number))
        case .project: preconditionFailure("projects have names, not numbers")
        }
    }
}
