import ServerCore
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
    var asked: Asked
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
        let onlyDisagreed = asked.onlyDisagreed
        let shown = onlyDisagreed ? report.unitsWithDisagreement : report.unitsTotal
        var batch: [String: Any] = [
            "number": "\(report.batchID)", "project": report.project, "counts": counts,
            "onlyDisagreed": onlyDisagreed, "others": others.map { "\($0)" }, "units": report.units.map(Unit.init),
        ]
        if let unit = asked.unit {
            batch["unit"] = "\(unit)"
        } else if shown > UInt64(report.units.count) {
            batch["hidden"] = "\(shown - UInt64(report.units.count))"
        }
        return frame.values(["batch": batch])
    }
}

extension ValidationPage {
    /// By the query `[batch=N][&unit=I][&only=disagreed]`. What is no number is refused: somebody would take the
    /// newest batch for the one that was asked for.
    struct Asked: Hashable, Sendable {
        var batch: Int64?
        var unit: Int64?
        var onlyDisagreed = false

        init(_ parameters: [(key: String, value: String)]) throws {
            for (key, value) in parameters {
                switch key {
                case "batch": batch = try Asked.number(value, key, in: 1..<1 << 21)
                case "unit": unit = try Asked.number(value, key, in: 0..<1 << 36)
                case "only":
                    guard value == "disagreed" else {
                        throw RequestRefusal(.badRequest, "only takes the word disagreed")
                    }
                    onlyDisagreed = true
                default: break
                }
            }
        }

        private static func number(_ text: String, _ name: String, in range: Range<Int64>) throws -> Int64 {
            guard let number = Int64(text) else {
                throw RequestRefusal(.badRequest, "\(name) is not a number")
            }
            guard range.contains(number) else { throw RequestRefusal(.notFound, "there is no \(name) \(number)") }
            return number
        }

        /// The report with only the unit that was asked for. - Throws: `.notFound` when the page does not have it.
        func narrowed(_ report: WireValidationReport) throws -> WireValidationReport {
            guard let unit else { return report }
            var narrow = report
            narrow.units = report.units.filter { $0.index == UInt64(unit) }
            guard narrow.units.isEmpty else { return narrow }
            throw RequestRefusal(
                .notFound, "the page of batch \(report.batchID) shows no unit \(unit)",
                advice: "millrace report validation --batch \(report.batchID) --unit \(unit) shows every unit there is")
        }
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
        reason = PageText.readable(row.reason)
    }
}
