import Domain
import Wire

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
        context.answer(Self.json(report), csv: Self.csv(report), text: text(report, width: context.tableWidth))
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
        let credits = report.units.flatMap(\.tasks).map { task in
            max(task.creditMicrocobblestones, task.provisionalMicrocobblestones, task.voidMicrocobblestones)
        }
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
            credit != 0 ? Amounts.cobblestones(credit, decimals: decimals) : unpaid(task, decimals), task.element,
            differs ? Amounts.number(task.distance) : "", differs ? Amounts.number(task.tolerance) : "",
        ]
    }

    /// What a task has not earned, or not yet, in place of its credit.
    private static func unpaid(_ task: WireTaskVerdictRow, _ decimals: Int) -> String {
        let (held, voided) = (task.provisionalMicrocobblestones, task.voidMicrocobblestones)
        if held != 0 { return "\(Amounts.cobblestones(held, decimals: decimals)) provisional" }
        return voided == 0 ? "" : "\(Amounts.cobblestones(voided, decimals: decimals)) void"
    }

    static func csv(_ report: WireValidationReport) -> CSVTable {
        var table = CSVTable([
            "batch", "unit", "label", "unit_state", "task", "host", "host_name", "volunteer_name", "state",
            "is_canonical", "compared_with", "element", "distance", "tolerance", "reason", "microcobblestones",
            "provisional_microcobblestones", "void_microcobblestones", "cpu_seconds", "fingerprint", "result_sha256",
            "reported_ms",
        ])
        for unit in report.units {
            for task in unit.tasks {
                let differs = !task.element.isEmpty
                table.add([
                    .unsigned(report.batchID), .unsigned(unit.index), .text(unit.label), .text(unit.state),
                    .unsigned(UInt64(task.ordinal)), .optional(task.hostID, unless: task.hostID == 0),
                    .text(task.hostName), .text(task.volunteerName), .text(task.state),
                    .unsigned(unit.hasCanonical && unit.canonical == task.ordinal ? 1 : 0), .text(task.comparedWith),
                    .text(task.element), differs ? .real(task.distance) : .empty,
                    differs ? .real(task.tolerance) : .empty, .text(task.reason),
                    .integer(task.creditMicrocobblestones), .integer(task.provisionalMicrocobblestones),
                    .integer(task.voidMicrocobblestones), .real(task.cpuSeconds), .text(task.fingerprint),
                    .text(task.resultSha256), .optional(task.reportedMs, unless: task.reportedMs == 0),
                ])
            }
        }
        return table
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
            ("microcobblestones", .integer(task.creditMicrocobblestones)),
            ("provisional_microcobblestones", .integer(task.provisionalMicrocobblestones)),
            ("void_microcobblestones", .integer(task.voidMicrocobblestones)), ("cpu_seconds", .real(task.cpuSeconds)),
            ("fingerprint", .optional(task.fingerprint)), ("result_sha256", .optional(task.resultSha256)),
            ("reported_ms", task.reportedMs > 0 ? .unsigned(task.reportedMs) : .null),
        ])
    }
}
