import Domain
import Wire

/// `millrace report disagreements [--batch N] [--host N] [--rows N] [--hosts | --graph]`.
public struct DisagreementReportCommand: Sendable {
    /// What of the report is shown.
    public enum Part: Hashable, Sendable {
        /// As text or JSON everything, as CSV the disagreements.
        case all
        /// The hosts in the order of evidence.
        case hosts
        /// The agreement graph, as DOT, JSON or CSV.
        case graph
    }

    private let client: ServerClient
    private let batch: UInt64?
    private let host: UInt64?
    private let rows: UInt32
    private let part: Part

    /// - Parameter batch, host: nil: all.
    /// - Parameter rows: at most so many disagreements are listed; the server lists 10,000 at most.
    public init(client: ServerClient, batch: UInt64?, host: UInt64?, rows: UInt32 = 1000, part: Part = .all) {
        self.client = client
        self.batch = batch
        self.host = host
        self.rows = rows
        self.part = part
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let report = try client.disagreementReport(batch: batch, host: host, rows: part == .all ? rows : 0)
        switch part {
        case .all:
            context.answer(
                Self.json(report), csv: Self.csv(report),
                text: DisagreementText(report, width: context.tableWidth).whole)
        case .hosts:
            context.answer(
                .members([("hosts", Self.hosts(report)), ("hosts_total", .unsigned(report.hostsTotal))]),
                csv: Self.hostsCSV(report), text: DisagreementText(report, width: context.tableWidth).ranking)
        case .graph:
            let graph = AgreementDrawing(report)
            context.answer(graph.json, csv: graph.csv, text: graph.dot)
            let left = report.edgesTotal - min(report.edgesTotal, UInt64(report.edges.count))
            if left > 0 { context.remark("\(left) edges of the graph, those with the least to say, are left out") }
        }
        return 0
    }

    // MARK: CSV

    static func csv(_ report: WireDisagreementReport) -> CSVTable {
        var table = CSVTable([
            "batch", "unit", "label", "task", "host", "host_name", "volunteer_name", "fingerprint", "verdict",
            "against_hosts", "compared_with", "element", "distance", "tolerance", "reason",
        ])
        for row in report.rows {
            let isMeasured = !row.element.isEmpty
            table.add([
                .unsigned(row.batchID), .unsigned(row.unit), .text(row.label), .unsigned(UInt64(row.task)),
                .unsigned(row.hostID), .text(row.hostName), .text(row.volunteerName), .text(row.fingerprint),
                .text(row.verdict), .text(row.againstHostIds.map(String.init).joined(separator: " ")),
                .text(row.comparedWith), .text(row.element), isMeasured ? .real(row.distance) : .empty,
                isMeasured ? .real(row.tolerance) : .empty, .text(row.reason),
            ])
        }
        return table
    }

    static func hostsCSV(_ report: WireDisagreementReport) -> CSVTable {
        var table = CSVTable([
            "host", "host_name", "volunteer_name", "fingerprint", "checked", "agreed", "proven", "malformed",
            "refuted", "against_proven", "outvoted", "against_one", "unchecked", "undecided", "failure_rate_min",
        ])
        for row in report.hosts {
            table.add([
                .unsigned(row.hostID), .text(row.hostName), .text(row.volunteerName), .text(row.fingerprint),
                .unsigned(row.checked), .unsigned(row.agreed), .unsigned(row.proven), .unsigned(row.malformed),
                .unsigned(row.refuted), .unsigned(row.againstProven), .unsigned(row.outvoted),
                .unsigned(row.againstOne), .unsigned(row.unchecked), .unsigned(row.undecided),
                .real(row.failureRateMin),
            ])
        }
        return table
    }

    // MARK: JSON

    static func json(_ report: WireDisagreementReport) -> JSONValue {
        .members([
            ("batch", report.batchID == 0 ? .null : .unsigned(report.batchID)),
            ("host", report.hostID == 0 ? .null : .unsigned(report.hostID)),
            ("units_read", .unsigned(report.unitsRead)), ("units_compared", .unsigned(report.unitsCompared)),
            ("disagreements_total", .unsigned(report.disagreementsTotal)),
            ("disagreements", .list(report.rows.map(json))),
            ("classes", .list(report.classes.map(json))),
            ("hosts", hosts(report)), ("hosts_total", .unsigned(report.hostsTotal)),
            ("graph", AgreementDrawing(report).json),
        ])
    }

    private static func json(_ row: WireDisagreementRow) -> JSONValue {
        let isMeasured = !row.element.isEmpty
        return .members([
            ("batch", .unsigned(row.batchID)), ("unit", .unsigned(row.unit)), ("label", .text(row.label)),
            ("task", .unsigned(UInt64(row.task))), ("host", .unsigned(row.hostID)),
            ("host_name", .optional(row.hostName)), ("volunteer_name", .optional(row.volunteerName)),
            ("fingerprint", .optional(row.fingerprint)), ("verdict", .text(row.verdict)),
            ("against_hosts", .list(row.againstHostIds.map { .unsigned($0) })),
            ("compared_with", .optional(row.comparedWith)), ("element", .optional(row.element)),
            ("distance", isMeasured ? .real(row.distance) : .null),
            ("tolerance", isMeasured ? .real(row.tolerance) : .null), ("reason", .optional(row.reason)),
        ])
    }

    private static func json(_ row: WireClassPairRow) -> JSONValue {
        .members([
            ("class_a", .text(row.classA)), ("class_b", .text(row.classB)), ("agreed", .unsigned(row.agreed)),
            ("differed", .unsigned(row.differed)),
        ])
    }

    private static func hosts(_ report: WireDisagreementReport) -> JSONValue {
        .list(
            report.hosts.map { row in
                .members([
                    ("host", .unsigned(row.hostID)), ("host_name", .optional(row.hostName)),
                    ("volunteer_name", .optional(row.volunteerName)), ("fingerprint", .optional(row.fingerprint)),
                    ("checked", .unsigned(row.checked)), ("agreed", .unsigned(row.agreed)),
                    ("proven", .unsigned(row.proven)), ("malformed", .unsigned(row.malformed)),
                    ("refuted", .unsigned(row.refuted)), ("against_proven", .unsigned(row.againstProven)),
                    ("outvoted", .unsigned(row.outvoted)), ("against_one", .unsigned(row.againstOne)),
                    ("unchecked", .unsigned(row.unchecked)), ("undecided", .unsigned(row.undecided)),
                    ("failure_rate_min", .real(row.failureRateMin)),
                ])
            })
    }
}
