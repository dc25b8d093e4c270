import Domain
import Wire

/// `millrace report credit`.
public struct CreditReportCommand: Sendable {
    private let client: ServerClient

    public init(client: ServerClient) {
        self.client = client
    }

    /// - Returns: 1 when the books do not balance.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let report = try client.creditReport()
        context.answer(
            Self.json(report), csv: Self.csv(report), text: Self.text(report, width: context.tableWidth))
        return report.balanced ? 0 : FaultKind.negative.rawValue
    }

    static func text(_ report: WireCreditReport, width: Int) -> String {
        var table = TextTable([
            .init("HOST", .right), .init("NAME", flexible: true), .init("VOLUNTEER", flexible: true),
            .init("TEAM", flexible: true), .init("CREDIT", .right), .init("PROVISIONAL", .right),
            .init("VOID", .right), .init("RAC", .right), .init("VALID", .right), .init("INVALID", .right),
            .init("ERRORS", .right), .init("OUT", .right), .init("GFLOP/S", .right),
            .init("LAST SEEN"),
        ])
        let decimals = Amounts.decimals(forCredits: report.hosts.map(\.microcobblestones))
        for row in report.hosts.sorted(by: { ($1.microcobblestones, $0.hostID) < ($0.microcobblestones, $1.hostID) }) {
            table.add([
                "\(row.hostID)", row.hostName, row.volunteerName, row.teamName,
                Amounts.cobblestones(row.microcobblestones, decimals: decimals),
                Self.amount(row.provisionalMicrocobblestones, decimals),
                Self.amount(row.voidMicrocobblestones, decimals),
                Amounts.fixed(row.recentAverage, decimals: decimals), "\(row.valid)", "\(row.invalid)", "\(row.errors)",
                "\(row.inProgress)",
                row.measuredGflops > 0 ? Amounts.number(row.measuredGflops) : "", Amounts.shortMoment(row.lastSeenMs),
            ])
        }
        var text = table.text(width: width) + "\n"
        text += "issued by projects  \(Amounts.cobblestones(report.issuedMicrocobblestones, decimals: 6))\n"
        text += "sum of the ledger   \(Amounts.cobblestones(report.ledgerTotalMicrocobblestones, decimals: 6)) in "
        text += "\(report.ledgerEntries) entries\n"
        text += "sum over hosts      \(Amounts.cobblestones(report.hostsTotalMicrocobblestones, decimals: 6))\n"
        if report.provisionalMicrocobblestones != 0 {
            let held = Amounts.cobblestones(report.provisionalMicrocobblestones, decimals: 6)
            text += "provisional         \(held), issued and not final yet\n"
        }
        if report.voidMicrocobblestones != 0 {
            let voided = Amounts.cobblestones(report.voidMicrocobblestones, decimals: 6)
            text += "void                \(voided), was provisional and taken back\n"
        }
        text += report.balanced ? "The books balance.\n" : "THE BOOKS DO NOT BALANCE.\n"
        return text
    }

    /// Empty for nothing.
    private static func amount(_ micro: Int64, _ decimals: Int) -> String {
        micro == 0 ? "" : Amounts.cobblestones(micro, decimals: decimals)
    }

    static func csv(_ report: WireCreditReport) -> CSVTable {
        var table = CSVTable([
            "host", "host_name", "volunteer", "volunteer_name", "microcobblestones", "provisional_microcobblestones",
            "void_microcobblestones", "valid", "invalid", "errors", "in_progress", "measured_gflops", "last_seen_ms",
        ])
        for row in report.hosts {
            table.add([
                .unsigned(row.hostID), .text(row.hostName), .unsigned(row.volunteerID), .text(row.volunteerName),
                .integer(row.microcobblestones), .integer(row.provisionalMicrocobblestones),
                .integer(row.voidMicrocobblestones), .unsigned(row.valid), .unsigned(row.invalid),
                .unsigned(row.errors), .unsigned(row.inProgress), .real(row.measuredGflops),
                .unsigned(row.lastSeenMs),
            ])
        }
        return table
    }

    static func json(_ report: WireCreditReport) -> JSONValue {
        let hosts = report.hosts.map { row in
            JSONValue.members([
                ("host", .unsigned(row.hostID)), ("host_name", .text(row.hostName)),
                ("volunteer", .unsigned(row.volunteerID)), ("volunteer_name", .text(row.volunteerName)),
                ("microcobblestones", .integer(row.microcobblestones)),
                ("provisional_microcobblestones", .integer(row.provisionalMicrocobblestones)),
                ("recent_average", .real(row.recentAverage)), ("team_name", .optional(row.teamName)),
                ("void_microcobblestones", .integer(row.voidMicrocobblestones)),
                ("valid", .unsigned(row.valid)),
                ("invalid", .unsigned(row.invalid)), ("errors", .unsigned(row.errors)),
                ("in_progress", .unsigned(row.inProgress)), ("measured_gflops", .real(row.measuredGflops)),
                ("last_seen_ms", .unsigned(row.lastSeenMs)),
            ])
        }
        return .members([
            ("hosts", .list(hosts)), ("issued_microcobblestones", .integer(report.issuedMicrocobblestones)),
            ("ledger_total_microcobblestones", .integer(report.ledgerTotalMicrocobblestones)),
            ("hosts_total_microcobblestones", .integer(report.hostsTotalMicrocobblestones)),
            ("provisional_microcobblestones", .integer(report.provisionalMicrocobblestones)),
            ("void_microcobblestones", .integer(report.voidMicrocobblestones)),
            ("ledger_entries", .unsigned(report.ledgerEntries)), ("balanced", .flag(report.balanced)),
        ])
    }
}
