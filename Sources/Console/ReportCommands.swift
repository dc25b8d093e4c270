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
        context.answer(Self.json(report), text: Self.text(report, width: context.tableWidth))
        return report.balanced ? 0 : FaultKind.negative.rawValue
    }

    static func text(_ report: WireCreditReport, width: Int) -> String {
        var table = TextTable([
            .init("HOST", .right), .init("NAME", flexible: true), .init("VOLUNTEER", flexible: true),
            .init("TEAM", flexible: true), .init("CREDIT", .right), .init("PROVISIONAL", .right),
            .init("RAC", .right), .init("VALID", .right), .init("INVALID", .right), .init("ERRORS", .right),
            .init("OUT", .right), .init("GFLOP/S", .right),
            .init("LAST SEEN"),
        ])
        let decimals = Amounts.decimals(forCredits: report.hosts.map(\.microcobblestones))
        for row in report.hosts.sorted(by: { ($1.microcobblestones, $0.hostID) < ($0.microcobblestones, $1.hostID) }) {
            table.add([
                "\(row.hostID)", row.hostName, row.volunteerName, row.teamName,
                Amounts.cobblestones(row.microcobblestones, decimals: decimals),
                row.provisionalMicrocobblestones == 0
                    ? "" : Amounts.cobblestones(row.provisionalMicrocobblestones, decimals: decimals),
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
        text += report.balanced ? "The books balance.\n" : "THE BOOKS DO NOT BALANCE.\n"
        return text
    }

    static func json(_ report: WireCreditReport) -> JSONValue {
        let hosts = report.hosts.map { row in
            JSONValue.members([
                ("host", .unsigned(row.hostID)), ("host_name", .text(row.hostName)),
                ("volunteer", .unsigned(row.volunteerID)), ("volunteer_name", .text(row.volunteerName)),
                ("microcobblestones", .integer(row.microcobblestones)),
                ("provisional_microcobblestones", .integer(row.provisionalMicrocobblestones)),
                ("recent_average", .real(row.recentAverage)), ("team_name", .optional(row.teamName)),
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
            ("ledger_entries", .unsigned(report.ledgerEntries)), ("balanced", .flag(report.balanced)),
        ])
    }
}

/// `millrace report validation [--batch N] [--unit I] [--disagreed]`.
public struct ValidationReportCommand: Sendable {
    private let client: ServerClient
    private let batch: UInt64?
    private let unit: UInt64?
    private let disagreed: Bool

    /// - Parameter batch: nil: the newest.
    public init(client: ServerClient, batch: UInt64?, unit: UInt64?, disagreed: Bool) {
        self.client = client
        self.batch = batch
        self.unit = unit
        self.disagreed = disagreed
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let id = if let batch { batch } else { try newest() }
        let report = try client.validationReport(batch: id, unit: unit, disagreed: disagreed)
        if let unit, report.units.isEmpty, !disagreed {
            throw Fault(.noInput, "batch \(id) has no unit \(unit); it has \(report.unitsTotal)")
        }
        context.answer(Self.json(report), text: text(report, width: context.tableWidth))
        return 0
    }

    private func newest() throws(Fault) -> UInt64 {
        guard let id = try client.batches().map(\.batchID).max() else {
            throw Fault(.noInput, "there is no batch to report on", advice: "`millrace submit` sends one.")
        }
        return id
    }

    private func text(_ report: WireValidationReport, width: Int) -> String {
        Self.text(report, width: width, disagreed: disagreed)
    }

    static func text(_ report: WireValidationReport, width: Int, disagreed: Bool) -> String {
        var table = TextTable([
            .init("UNIT", .right), .init("TASK", .right), .init("HOST", flexible: true),
            .init("VOLUNTEER", flexible: true), .init("VERDICT"), .init("CREDIT", .right),
            .init("FIRST DIFFERENCE", flexible: true), .init("DISTANCE", .right), .init("ALLOWED", .right),
        ])
        let credits = report.units.flatMap { $0.tasks.map(\.creditMicrocobblestones) }
        let decimals = Amounts.decimals(forCredits: credits)
        var reasons = ""
        for unit in report.units {
            for task in unit.tasks {
                table.add(cells(task, of: unit, decimals))
                if !task.reason.isEmpty, task.state != "valid" {
                    reasons += "unit \(unit.index) (\(Printable.clean(unit.label))), task \(task.ordinal): "
                    reasons += "\(Printable.clean(task.reason))\n"
                }
            }
        }
        var text = "Batch \(report.batchID), \(Printable.clean(report.project)): "
        text += "\(report.unitsAgreed) of \(Amounts.count(report.unitsTotal, "unit")) agreed, "
        text += "\(report.unitsWithDisagreement) with a refused result, "
        text += "\(report.unitsOpen) open, \(report.unitsFailed) failed\n"
        if report.units.isEmpty { return text + (disagreed ? "No result was refused.\n" : "") }
        return text + "\n" + table.text(width: width) + (reasons.isEmpty ? "" : "\n" + reasons)
    }

    private static func cells(_ task: WireTaskVerdictRow, of unit: WireUnitReport, _ decimals: Int) -> [String] {
        let differs = !task.element.isEmpty
        let isCanonical = unit.hasCanonical && unit.canonical == task.ordinal
        let credit = task.creditMicrocobblestones
        return [
            "\(unit.index)", "\(task.ordinal)", task.hostID == 0 ? "" : "\(task.hostID) \(task.hostName)",
            task.volunteerName, isCanonical ? "\(task.state), canonical" : task.state,
            credit == 0 ? "" : Amounts.cobblestones(credit, decimals: decimals), task.element,
            differs ? Amounts.number(task.distance) : "", differs ? Amounts.number(task.tolerance) : "",
        ]
    }

    static func json(_ report: WireValidationReport) -> JSONValue {
        let units = report.units.map { unit in
            JSONValue.members([
                ("unit", .unsigned(unit.index)), ("label", .text(unit.label)), ("state", .text(unit.state)),
                ("canonical", unit.hasCanonical ? .unsigned(UInt64(unit.canonical)) : .null),
                ("tasks", .list(unit.tasks.map(json))),
            ])
        }
        return .members([
            ("batch", .unsigned(report.batchID)), ("project", .text(report.project)),
            ("units_total", .unsigned(report.unitsTotal)), ("units_agreed", .unsigned(report.unitsAgreed)),
            ("units_with_disagreement", .unsigned(report.unitsWithDisagreement)),
            ("units_open", .unsigned(report.unitsOpen)), ("units_failed", .unsigned(report.unitsFailed)),
            ("units", .list(units)),
        ])
    }

    private static func json(_ task: WireTaskVerdictRow) -> JSONValue {
        let differs = !task.element.isEmpty
        return .members([
            ("task", .unsigned(UInt64(task.ordinal))), ("host", task.hostID == 0 ? .null : .unsigned(task.hostID)),
            ("host_name", .optional(task.hostName)), ("volunteer_name", .optional(task.volunteerName)),
            ("state", .text(task.state)), ("reason", .optional(task.reason)),
            ("compared_with", .optional(task.comparedWith)), ("element", .optional(task.element)),
            ("distance", differs ? .real(task.distance) : .null),
            ("tolerance", differs ? .real(task.tolerance) : .null),
            ("microcobblestones", .integer(task.creditMicrocobblestones)), ("cpu_seconds", .real(task.cpuSeconds)),
            ("fingerprint", .optional(task.fingerprint)), ("result_sha256", .optional(task.resultSha256)),
            ("reported_ms", task.reportedMs > 0 ? .unsigned(task.reportedMs) : .null),
        ])
    }
}
