import Domain
import Wire

/// `millrace report trust [HOST]`.
public struct TrustReportCommand: Sendable {
    private let client: ServerClient
    private let host: UInt64?

    /// - Parameter host: nil: all.
    public init(client: ServerClient, host: UInt64?) {
        self.client = client
        self.host = host
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let report = try client.trustReport(host: host)
        context.answer(
            Self.json(report), csv: Self.csv(report), text: Self.text(report, width: context.tableWidth))
        return 0
    }

    static func text(_ report: WireTrustReport, width: Int) -> String {
        if report.hosts.isEmpty { return "No result has been checked yet.\n" }
        var table = TextTable([
            .init("HOST", .right), .init("NAME", flexible: true), .init("VOLUNTEER", flexible: true),
            .init("APP", flexible: true), .init("WINDOW", .right), .init("EVIDENCE", .right), .init("PASSED", .right),
            .init("FAILED", .right), .init("FAILS AT LEAST", .right), .init("LAST FAILED"), .init("STANDING", .right),
        ])
        for row in report.hosts {
            table.add([
                "\(row.hostID)", row.hostName, row.volunteerName, row.app,
                row.windowMax == 0 ? "none" : "\(row.windowMax)",
                Amounts.number(row.evidence), "\(row.passed)", "\(row.failed)",
                Amounts.share(row.failureRateMin),
                row.lastFailedMs == 0 ? "" : Amounts.shortMoment(row.lastFailedMs),
                row.standing == 0 ? "" : "\(row.standing)",
            ])
        }
        var text = table.text(width: width) + "\n"
        for row in report.hosts {
            text += "host \(row.hostID), \(Printable.clean(row.app)): \(Printable.clean(row.explanation))\n"
        }
        let (most, days) = (Amounts.number(report.evidenceMin), Amounts.number(report.halfLifeDays))
        text += """
            Hosts stand in the order of evidence: with 95 % confidence, at least the given share of their checked
            results fails. A single result may stand where the project's window is no longer than the host's row of
            checked results that passed. That row must still count: evidence halves every \(days) days, and may fall
            short of the row's length, or of \(most) where the row is longer, by half a result at most.

            """
        return text
    }

    static func csv(_ report: WireTrustReport) -> CSVTable {
        var table = CSVTable([
            "host", "host_name", "volunteer_name", "app", "window_max", "streak", "evidence", "passed", "failed",
            "failure_rate_min", "last_failed_ms", "results", "standing", "explanation",
        ])
        for row in report.hosts {
            table.add([
                .unsigned(row.hostID), .text(row.hostName), .text(row.volunteerName), .text(row.app),
                .unsigned(row.windowMax), .unsigned(row.streak), .real(row.evidence), .unsigned(row.passed),
                .unsigned(row.failed), .real(row.failureRateMin),
                .optional(row.lastFailedMs, unless: row.lastFailedMs == 0), .unsigned(row.results),
                .unsigned(row.standing), .text(row.explanation),
            ])
        }
        return table
    }

    static func json(_ report: WireTrustReport) -> JSONValue {
        let hosts = report.hosts.map { row in
            JSONValue.members([
                ("host", .unsigned(row.hostID)), ("host_name", .text(row.hostName)),
                ("volunteer_name", .text(row.volunteerName)), ("app", .text(row.app)),
                ("window_max", .unsigned(row.windowMax)), ("streak", .unsigned(row.streak)),
                ("evidence", .real(row.evidence)), ("passed", .unsigned(row.passed)),
                ("failed", .unsigned(row.failed)), ("failure_rate_min", .real(row.failureRateMin)),
                ("last_failed_ms", row.lastFailedMs > 0 ? .unsigned(row.lastFailedMs) : .null),
                ("results", .unsigned(row.results)), ("standing", .unsigned(row.standing)),
                ("explanation", .text(row.explanation)),
            ])
        }
        return .members([
            ("hosts", .list(hosts)), ("evidence_min", .real(report.evidenceMin)),
            ("half_life_days", .real(report.halfLifeDays)),
        ])
    }
}
