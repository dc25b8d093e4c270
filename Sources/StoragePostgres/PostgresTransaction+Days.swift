import Domain
import Storage

private enum DaySQL {
    static let add = Columns("host day project:t team amount").insert(
        into: "credit_day",
        onConflict: "ON CONFLICT (host, day, project, team) DO UPDATE SET amount = t.amount + excluded.amount")
    static let ofHost = Query(
        "SELECT day, project, team, amount FROM credit_day WHERE host = $1 ORDER BY day, project, team")

    static func sums(by key: String, _ tables: String = "credit_day") -> Query {
        Query("SELECT \(key), sum(amount)::bigint FROM \(tables) WHERE day BETWEEN $1 AND $2 GROUP BY 1 ORDER BY 1")
    }

    static let byHost = sums(by: "host")
    static let byVolunteer = sums(by: "volunteer", "credit_day JOIN host ON host.id = credit_day.host")
    static let byTeam = sums(by: "team")
    static let byDay = sums(by: "day")
    static let byProject = sums(by: "project")
}

extension PostgresTransaction {
    /// Called for every entry that is appended.
    func countDays(_ entry: LedgerEntry) throws {
        for (host, amount) in entry.finalCredit {
            guard let owner = try self.host(host)?.volunteer else { throw StoreError.missing("host \(host)") }
            let team = try team(of: owner, at: entry.at)
            let day = Appended.Day(
                host: host, day: UTCDay(entry.at).number, project: entry.project, team: team?.rawValue ?? 0)
            appended.append(day, amount)
        }
    }

    func writeDays(_ days: [Appended.Day: Credit]) throws {
        if days.isEmpty { return }
        try write(DaySQL.add) { to in
            for (day, amount) in days {
                to.integer(day.host.rawValue)
                to.integer(day.day)
                to.text(day.project)
                to.integer(day.team)
                to.integer(amount.microcobblestones)
            }
        }
    }

    func creditDays(of host: HostID) throws -> [CreditDay] {
        try settle()
        return try all(DaySQL.ofHost, { $0.integer(host.rawValue) }) { row in
            let day = UTCDay(number: row.integer())
            let project = row.text()
            let team = row.integer()
            return CreditDay(
                day: day, host: host, project: project, team: team == 0 ? nil : TeamID(rawValue: team),
                amount: Credit(microcobblestones: row.integer()))
        }
    }

    func creditSums(by grouping: CreditGrouping, from first: UTCDay, through last: UTCDay) throws -> [CreditSum] {
        try settle()
        let query =
            switch grouping {
            case .volunteer: DaySQL.byVolunteer
            case .host: DaySQL.byHost
            case .team: DaySQL.byTeam
            case .project: DaySQL.byProject
            case .day: DaySQL.byDay
            }
        let bind = { (to: inout Binder) in
            to.integer(first.number)
            to.integer(last.number)
        }
        return try all(query, bind) { row in
            let key: CreditSum.Key =
                grouping == .project ? .project(row.text()) : CreditSum.Key(grouping, number: row.integer())
            return CreditSum(key: key, amount: Credit(microcobblestones: row.integer()))
        }
    }
}
