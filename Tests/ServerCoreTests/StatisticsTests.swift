import Bytes
import Domain
import Foundation
import ServerCore
import Storage
import Testing
import Wire

/// Exports and statistics files against the ledger.
@Suite("Statistics files and exports")
struct StatisticsTests {
    /// A site with three volunteers, one with two hosts, and credit over some days.
    private func site() throws -> TestSite {
        let site = try TestSite(units: 5)
        let (ada, grace) = (try TestVolunteer(site, "Ada <&\"'> é 👩‍🔬"), try TestVolunteer(site, "Grace"))
        let volunteers = [ada, grace, try grace.second(), try TestVolunteer(site, "=cmd()")]
        for round in 0..<4 {
            let batch = try site.submit()
            try site.work()
            for at in 0..<8 {
                let volunteer = volunteers[(at + round) % 4]
                try volunteer.fetch(3)
                try volunteer.deliver()
            }
            try site.work()
            #expect(try site.status(batch).state == "finished")
            site.wait(100_000)
        }
        try site.expectSoundStore()
        return site
    }

    private func statistics(_ site: TestSite) throws -> Statistics {
        try site.store.transaction { try site.core.statistics(in: $0, now: site.now) }
    }

    @Test("Files are well-formed, and their totals are the ledger's to the unit")
    func totals() throws {
        let site = try site()
        let statistics = try statistics(site)
        let granted = try site.store.transaction { try $0.ledgerSummary().granted }
        #expect(granted.microcobblestones == 40_000_000)
        let users = try Elements(statistics.usersXML(), root: "users", record: "user")
        let hosts = try Elements(statistics.hostsXML(), root: "hosts", record: "host")
        for file in [users, hosts] {
            #expect(try file.micro("total_credit") == granted.microcobblestones)
        }
        #expect(users.rows.map { $0["id"] } == ["1", "2", "3"])
        #expect(users.rows[0]["name"] == "Ada <&\"'> é 👩‍🔬")
        #expect(hosts.rows.map { $0["id"] } == ["1", "2", "3", "4"])
        let tables = try Elements(statistics.tablesXML(), root: "tables", record: "application")
        #expect(tables.head["nusers_total"] == "3" && tables.head["nhosts_total"] == "4")
        #expect(tables.head["nteams_total"] == "0" && tables.head["total_credit"] == "40.000000")
        #expect(tables.head["update_time"] == "\(site.now.milliseconds / 1000)")
        #expect(tables.rows == [["name": "sample-app"]])
        try site.store.transaction { tx in
            for (row, volunteer) in zip(users.rows, try tx.volunteers()) {
                let recent = try #require(row["expavg_credit"].flatMap(Double.init))
                #expect(abs(recent - volunteer.recent.perDay(now: site.now)) <= 5e-7)
                #expect(recent > 0)
            }
        }
    }

    @Test("Nothing of a host is told but its number and credit, unless its volunteer allows it")
    func privacy() throws {
        let site = try site()
        let before = try Elements(try statistics(site).hostsXML(), root: "hosts", record: "host")
        for row in before.rows {
            #expect(Set(row.keys) == ["id", "total_credit", "expavg_credit", "expavg_time"])
        }
        try site.store.transaction { tx in
            var grace = try #require(try tx.volunteer(VolunteerID(rawValue: 2)))
            grace.showsHosts = true
            try tx.updateVolunteer(grace)
            var host = try #require(try tx.host(HostID(rawValue: 2)))
            host.profile.name = "secret-name"
            host.profile.cpuModel = "Fast & <hot>"
            try tx.updateHost(host)
        }
        let statistics = try statistics(site)
        let after = try Elements(statistics.hostsXML(), root: "hosts", record: "host")
        #expect(after.rows.map { $0["userid"] } == [nil, "2", "2", nil])
        #expect(after.rows[1]["p_model"] == "Fast & <hot>" && after.rows[1]["ncpus"] == "2")
        #expect(after.rows[0] == before.rows[0])
        for file in [statistics.usersXML(), statistics.teamsXML(), statistics.hostsXML(), statistics.tablesXML()] {
            #expect(!String(decoding: file, as: UTF8.self).contains("secret-name"))
            #expect(file.allSatisfy { $0 < 0x80 })
        }
        let users = try Elements(statistics.usersXML(), root: "users", record: "user")
        let told: Set = ["id", "name", "create_time", "total_credit", "expavg_credit", "expavg_time", "cpid"]
        for row in users.rows {
            #expect(Set(row.keys) == told)
            #expect(Int(row["create_time"] ?? "")?.isMultiple(of: 86_400) == true, "the day, not the hour")
            #expect(row["cpid"]?.count == 32 && row["cpid"]?.allSatisfy(\.isHexDigit) == true)
        }
        #expect(Set(users.rows.map { $0["cpid"] }).count == 3)
        let again = try Elements(try self.statistics(site).usersXML(), root: "users", record: "user")
        #expect(again.rows == users.rows)
    }

    @Test("A team's file says who founded it and what members earned in it")
    func teams() throws {
        let site = try site()
        try site.store.transaction { tx in
            _ = try tx.insertTeam {
                TeamRecord(
                    id: $0, name: "Red & Co", founder: VolunteerID(rawValue: 2), credit: Credit(microcobblestones: 7),
                    recent: RecentAverage(perDay: 0.5, at: site.now), createdAt: site.now)
            }
            try tx.insertMembership(
                Membership(volunteer: VolunteerID(rawValue: 3), team: TeamID(rawValue: 1), from: site.now))
        }
        let statistics = try statistics(site)
        let teams = try Elements(statistics.teamsXML(), root: "teams", record: "team")
        #expect(teams.rows.count == 1)
        #expect(teams.rows[0]["name"] == "Red & Co" && teams.rows[0]["founder_name"] == "Grace")
        #expect(teams.rows[0]["total_credit"] == "0.000007" && teams.rows[0]["expavg_credit"] == "0.500000")
        let users = try Elements(statistics.usersXML(), root: "users", record: "user")
        #expect(users.rows.map { $0["teamid"] } == [nil, nil, "1"])
    }

    @Test("Exports by every key add up to the ledger; days can be bounded", arguments: CreditGrouping.allCases)
    func exports(grouping: CreditGrouping) throws {
        let site = try site()
        try site.store.transaction { tx in
            func export(_ from: UTCDay?, _ to: UTCDay?) throws -> WireCreditExport {
                try site.core.creditExport(
                    CreditExportQuery(grouping: grouping, from: from, to: to), in: tx, now: site.now)
            }
            let all = try export(nil, nil)
            let sum = all.rows.reduce(Int64(0)) { $0 + $1.microcobblestones }
            #expect(sum == all.totalMicrocobblestones)
            #expect(sum == (try tx.ledgerSummary().granted.microcobblestones))
            var byDay: Int64 = 0
            for row in try site.core.creditExport(
                CreditExportQuery(grouping: .day, from: nil, to: nil), in: tx, now: site.now
            ).rows {
                let day = try #require(UTCDay(row.name))
                let one = try export(day, day)
                #expect(one.totalMicrocobblestones == row.microcobblestones)
                #expect(one.from == row.name && one.to == row.name)
                byDay += one.totalMicrocobblestones
            }
            #expect(byDay == sum)
            #expect(try export(UTCDay("1999-01-01"), UTCDay("1999-12-31")).rows.isEmpty)
        }
    }
}

/// A strict reader of the files: one element a line, balanced tags, no attributes, only the entities of XML.
private struct Elements {
    var head: [String: String] = [:]
    var rows: [[String: String]] = []

    struct Malformed: Error { var line: String }

    init(_ bytes: [UInt8], root: String, record: String) throws {
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", lines.popLast() == "" else {
            throw Malformed(line: String(lines.first ?? ""))
        }
        var open: [Substring] = []
        for line in lines.dropFirst() {
            if let match = line.wholeMatch(of: /<([a-z_]+)>/) {
                open.append(match.1)
                if match.1 == record { rows.append([:]) }
            } else if let match = line.wholeMatch(of: /<\/([a-z_]+)>/) {
                guard open.popLast() == match.1 else { throw Malformed(line: String(line)) }
            } else if let match = line.wholeMatch(of: #/ <([a-z_0-9]+)>([^<>]*)</([a-z_0-9]+)>/#), match.1 == match.3 {
                let text = try Self.plain(String(match.2))
                if open.last.map({ $0 == record }) ?? false {
                    rows[rows.count - 1][String(match.1)] = text
                } else {
                    head[String(match.1)] = text
                }
            } else {
                throw Malformed(line: String(line))
            }
            guard open.first.map({ $0 == root }) ?? true else { throw Malformed(line: String(line)) }
        }
        guard open.isEmpty else { throw Malformed(line: "the end") }
    }

    private static func plain(_ text: String) throws -> String {
        let names = ["amp": "&", "lt": "<", "gt": ">", "quot": "\""]
        var plain = ""
        var rest = text[...]
        while let at = rest.firstIndex(of: "&") {
            plain += rest[..<at]
            guard let end = rest[at...].firstIndex(of: ";") else { throw Malformed(line: text) }
            let name = String(rest[rest.index(after: at)..<end])
            if name.hasPrefix("#"), let scalar = UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init) {
                plain.unicodeScalars.append(scalar)
            } else if let known = names[name] {
                plain += known
            } else {
                throw Malformed(line: text)
            }
            rest = rest[rest.index(after: end)...]
        }
        return plain + rest
    }

    /// The sum of a column of numbers with six decimals, in millionths.
    func micro(_ column: String) throws -> Int64 {
        try rows.reduce(0) { sum, row in
            let digits = (row[column] ?? "").filter { $0 != "." }
            guard let value = Int64(digits) else { throw Malformed(line: column) }
            return sum + value
        }
    }
}
