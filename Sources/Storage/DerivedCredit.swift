import Domain

/// What follows from the ledger and the teams' histories, recomputed for `StoreAudit`: credit by day, credit of teams,
/// recent averages.
struct DerivedCredit {
    private struct DayKey: Hashable {
        var host: HostID
        var day: UTCDay
        var project: String
        var team: TeamID?
    }

    private var days: [DayKey: Credit] = [:]
    private var hosts: [HostID: RecentAverage] = [:]
    private var volunteers: [VolunteerID: RecentAverage] = [:]
    private var teams: [TeamID: RecentAverage] = [:]
    private var teamCredit: [TeamID: Credit] = [:]
    private var owners: [HostID: VolunteerID] = [:]
    private var histories: [VolunteerID: [Membership]] = [:]

    /// How far a recent average may be from its recomputation, relatively: the order of additions differs.
    private static let tolerance = 1e-9

    mutating func add(_ entry: LedgerEntry, _ tx: any StoreTransaction) throws {
        for (host, amount) in entry.finalCredit {
            if owners[host] == nil { owners[host] = try tx.host(host)?.volunteer }
            guard let owner = owners[host] else { throw StoreError.missing("host \(host)") }
            let history = try histories[owner] ?? tx.memberships(of: owner)
            histories[owner] = history
            let team = history.last { $0.contains(entry.at) }?.team
            let key = DayKey(host: host, day: UTCDay(entry.at), project: entry.project, team: team)
            days[key] = (days[key] ?? .zero) + amount
            hosts[host, default: .zero].add(amount, at: entry.at)
            volunteers[owner, default: .zero].add(amount, at: entry.at)
            guard let team else { continue }
            teams[team, default: .zero].add(amount, at: entry.at)
            teamCredit[team] = (teamCredit[team] ?? .zero) + amount
        }
    }

    func differences(_ tx: any StoreTransaction) throws -> [String] {
        var found: [String] = []
        var rows = 0
        for host in try tx.hosts() {
            for row in try tx.creditDays(of: host.id) {
                rows += 1
                let sum = days[DayKey(host: host.id, day: row.day, project: row.project, team: row.team)]
                if sum != row.amount {
                    found.append(
                        "host \(host.id), day \(row.day), project \(row.project), team \(row.team?.rawValue ?? 0): "
                            + "credit \(row.amount), ledger says \(sum ?? .zero)")
                }
            }
            found += Self.difference(of: host.recent, hosts[host.id], "host \(host.id)")
        }
        if rows != days.count { found.append("credit by day has \(rows) rows, the ledger makes \(days.count)") }
        for volunteer in try tx.volunteers() {
            found += Self.difference(of: volunteer.recent, volunteers[volunteer.id], "volunteer \(volunteer.id)")
        }
        for team in try tx.teams() {
            let sum = teamCredit[team.id] ?? .zero
            if team.credit != sum { found.append("team \(team.id): credit \(team.credit), ledger says \(sum)") }
            found += Self.difference(of: team.recent, teams[team.id], "team \(team.id)")
        }
        return found
    }

    private static func difference(of stored: RecentAverage, _ expected: RecentAverage?, _ what: String) -> [String] {
        let expected = expected ?? .zero
        // Where entries in both directions cancel out, what is left is rounding.
        let isClose = abs(stored.perDay - expected.perDay) <= tolerance * max(abs(expected.perDay), 1e-3)
        if isClose && (stored.at == expected.at || expected.perDay == 0) { return [] }
        return ["\(what): recent average \(stored), ledger says \(expected)"]
    }
}
