import Wire

/// Who agreed with whom. The names are those of `validation.mustache`.
struct ValidationPage {
    struct Unit {
        var index: String
        var label: String
        var state: String
        /// The first word of the state: its colour.
        var kind: String
        var tasks: [Task]
    }

    struct Task {
        var ordinal: String
        var canonical: Bool
        var volunteer: String
        var host: String
        var state: String
        var kind: String
        var element: String
        var distance: String
        var tolerance: String
        var credit: String
        var reason: String
    }

    var frame: PageFrame
    var report: WireValidationReport?
    var onlyDisagreed: Bool
    var others: [UInt64]

    var values: [String: Any] {
        guard let report else { return frame.values([:]) }
        let counts = [
            PageCount(word: "units", count: "\(report.unitsTotal)", kind: ""),
            PageCount(word: "agreed", count: "\(report.unitsAgreed)", kind: "validated"),
            PageCount(word: "open", count: "\(report.unitsOpen)", kind: "active"),
            PageCount(word: "with a refused result", count: "\(report.unitsWithDisagreement)", kind: "failed"),
            PageCount(word: "without result", count: "\(report.unitsFailed)", kind: "failed"),
        ]
        let shown = onlyDisagreed ? report.unitsWithDisagreement : report.unitsTotal
        var batch: [String: Any] = [
            "number": "\(report.batchID)", "project": report.project, "counts": counts,
            "onlyDisagreed": onlyDisagreed, "others": others.map { "\($0)" }, "units": report.units.map(Unit.init),
        ]
        if shown > UInt64(report.units.count) { batch["hidden"] = "\(shown - UInt64(report.units.count))" }
        return frame.values(["batch": batch])
    }
}

extension ValidationPage.Unit {
    init(_ unit: WireUnitReport) {
        index = "\(unit.index)"
        label = unit.label
        state = unit.state
        kind = String(unit.state.prefix { $0.isLetter })
        let canonical = unit.hasCanonical ? unit.canonical : nil
        tasks = unit.tasks.map { ValidationPage.Task($0, canonical: $0.ordinal == canonical) }
    }
}

extension ValidationPage.Task {
    init(_ row: WireTaskVerdictRow, canonical: Bool) {
        ordinal = "\(row.ordinal)"
        self.canonical = canonical
        volunteer = row.volunteerName
        host = row.hostID > 0 ? "\(row.hostID)" : ""
        state = row.state
        kind = String(row.state.prefix { $0.isLetter })
        element = row.element
        distance = row.element.isEmpty ? "" : PageText.figure(row.distance)
        tolerance = row.element.isEmpty ? "" : PageText.figure(row.tolerance)
        credit = row.creditMicrocobblestones > 0 ? PageText.credit(row.creditMicrocobblestones) : ""
        reason = row.reason
    }
}
