import Bytes
import Domain
import Storage

/// What the public statistics files tell, read in one transaction.
public struct Statistics: Sendable {
    struct User: Sendable {
        var record: VolunteerRecord
        /// The key of the host with which the account began.
        var key: [UInt8]
        var team: TeamID?
    }

    struct Host: Sendable {
        var record: HostRecord
        /// Whether its volunteer lets it be named.
        var isShown: Bool
    }

    struct Team: Sendable {
        var record: TeamRecord
        var founder: String
    }

    let now: Timestamp
    let users: [User]
    let hosts: [Host]
    let teams: [Team]
    let apps: [String]
    /// By the ledger.
    let total: Credit
}

extension ProjectServer {
    /// Those who have earned something, as BOINC lists them.
    public func statistics(in tx: any StoreTransaction, now: Timestamp) throws -> Statistics {
        let volunteers = try tx.volunteers()
        let teamOf = try tx.lastingMemberships().reduce(into: [:]) { $0[$1.volunteer] = $1.team }
        let shows = Set(volunteers.filter(\.showsHosts).map(\.id))
        let names = Dictionary(uniqueKeysWithValues: volunteers.map { ($0.id, $0.name) })
        let hosts = try tx.hosts()
        // In order of number, so the first one found is the one with which the account began.
        let keys = hosts.reduce(into: [VolunteerID: [UInt8]]()) { keys, host in
            if keys[host.volunteer] == nil { keys[host.volunteer] = host.publicKey }
        }
        return Statistics(
            now: now,
            users: volunteers.filter { $0.credit > .zero }.map {
                Statistics.User(record: $0, key: keys[$0.id] ?? [], team: teamOf[$0.id])
            },
            hosts: hosts.filter { $0.credit > .zero }.map {
                Statistics.Host(record: $0, isShown: shows.contains($0.volunteer))
            },
            teams: try tx.teams().filter { $0.credit > .zero }.map {
                Statistics.Team(record: $0, founder: names[$0.founder] ?? "")
            },
            apps: Array(Set(try tx.batches().map(\.app))).sorted(), total: try tx.ledgerSummary().granted)
    }
}

/// The files in the format of BOINC's `db_dump` (`sched/db_dump.cpp`; BOINC wiki, "XmlStats").
///
/// Every byte is ASCII: other characters are references, so that no reader can take the encoding wrong.
extension Statistics {
    public func usersXML() -> [UInt8] {
        var xml = XMLWriter(root: "users")
        for user in users {
            xml.open("user")
            xml.put("id", "\(user.record.id)")
            xml.put("name", user.record.name)
            xml.put("create_time", Self.day(user.record.createdAt))
            put(user.record.credit, user.record.recent, &xml)
            xml.put("cpid", Self.publicID(user.key, context: "millrace-cpid-v1"))
            if let team = user.team { xml.put("teamid", "\(team)") }
            xml.close("user")
        }
        return xml.finished("users")
    }

    public func teamsXML() -> [UInt8] {
        var xml = XMLWriter(root: "teams")
        for team in teams {
            xml.open("team")
            xml.put("id", "\(team.record.id)")
            xml.put("type", "0")
            xml.put("name", team.record.name)
            xml.put("userid", "\(team.record.founder)")
            put(team.record.credit, team.record.recent, &xml)
            xml.put("founder_name", team.founder)
            xml.put("create_time", Self.day(team.record.createdAt))
            xml.close("team")
        }
        return xml.finished("teams")
    }

    /// A number and its credit; whose it is, and what machine, only where the volunteer allows it. The machine's name
    /// is never told.
    public func hostsXML() -> [UInt8] {
        var xml = XMLWriter(root: "hosts")
        for host in hosts {
            xml.open("host")
            xml.put("id", "\(host.record.id)")
            if host.isShown { xml.put("userid", "\(host.record.volunteer)") }
            put(host.record.credit, host.record.recent, &xml)
            if host.isShown {
                let profile = host.record.profile
                xml.put("p_model", profile.cpuModel)
                xml.put("os_name", profile.platform)
                xml.put("create_time", Self.day(host.record.createdAt))
                xml.put("rpc_time", Self.day(host.record.lastSeenAt))
                xml.put("ncpus", "\(profile.cores)")
                xml.put("p_fpops", DecimalText.fixed6(profile.benchmarkFlopsPerSecond))
                xml.put("m_nbytes", "\(profile.memoryBytes)")
                xml.put("host_cpid", Self.publicID(host.record.publicKey, context: "millrace-host-cpid-v1"))
            }
            xml.close("host")
        }
        return xml.finished("hosts")
    }

    public func tablesXML() -> [UInt8] {
        var xml = XMLWriter(root: "tables")
        xml.put("update_time", "\(now.milliseconds / 1000)")
        xml.put("nusers_total", "\(users.count)")
        xml.put("nteams_total", "\(teams.count)")
        xml.put("nhosts_total", "\(hosts.count)")
        xml.put("total_credit", DecimalText.cobblestones(total))
        xml.open("applications")
        for app in apps {
            xml.open("application")
            xml.put("name", app)
            xml.close("application")
        }
        xml.close("applications")
        return xml.finished("tables")
    }

    private func put(_ credit: Credit, _ recent: RecentAverage, _ xml: inout XMLWriter) {
        xml.put("total_credit", DecimalText.cobblestones(credit))
        xml.put("expavg_credit", DecimalText.fixed6(recent.perDay(now: now)))
        xml.put("expavg_time", DecimalText.fixed6(Double(now.milliseconds) / 1000))
    }

    /// Midnight of the day, in seconds: the hour is nobody's business.
    private static func day(_ moment: Timestamp) -> String { "\(UTCDay(moment).number * 86_400)" }

    /// 32 hexadecimal digits that follow from a host's public key. Keys are random, and every attachment makes its own,
    /// so the digits lead back to nothing, and to no other project.
    static func publicID(_ key: [UInt8], context: String) -> String {
        String(SHA256Hash.digest(of: Array("\(context)\n".utf8) + key).hex.prefix(32))
    }
}

/// Numbers with six decimals, as BOINC's `%f` writes them.
enum DecimalText {
    /// Exact.
    static func cobblestones(_ credit: Credit) -> String {
        let micro = credit.microcobblestones
        let fraction = "\(1_000_000 + micro.magnitude % 1_000_000)".dropFirst()
        return (micro < 0 ? "-" : "") + "\(micro.magnitude / 1_000_000).\(fraction)"
    }

    /// Rounded; what is beyond 9e12 is cut to that.
    static func fixed6(_ value: Double) -> String {
        let micro = (min(max(value.isFinite ? value : 0, -9e12), 9e12) * 1e6).rounded()
        return cobblestones(Credit(microcobblestones: Int64(micro)))
    }
}

/// Writes elements without attributes.
struct XMLWriter {
    private var bytes: [UInt8]

    init(root: String) {
        bytes = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<\(root)>\n".utf8)
    }

    mutating func open(_ name: String) { bytes += Array("<\(name)>\n".utf8) }
    mutating func close(_ name: String) { bytes += Array("</\(name)>\n".utf8) }

    mutating func put(_ name: String, _ text: String) {
        bytes += Array(" <\(name)>\(XMLWriter.escaped(text))</\(name)>\n".utf8)
    }

    consuming func finished(_ root: String) -> [UInt8] { bytes + Array("</\(root)>\n".utf8) }

    /// Characters that XML 1.0 does not know (section 2.2) are left out.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: escaped += "&amp;"
            case 0x3C: escaped += "&lt;"
            case 0x3E: escaped += "&gt;"
            case 0x22: escaped += "&quot;"
            case 0x27: escaped += "&#39;"
            case 0x20...0x7E: escaped.unicodeScalars.append(scalar)
            case 0xFFFE, 0xFFFF, 0..<0x20, 0x7F: break
            default: escaped += "&#\(scalar.value);"
            }
        }
        return escaped
    }
}
