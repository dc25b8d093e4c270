import Domain
import Wire

/// A batch as the tool shows it.
struct BatchView: Hashable, Sendable {
    let status: WireBatchStatus

    init(_ status: WireBatchStatus) {
        self.status = status
    }

    /// The part of the units that needs nothing more; of a batch without an answer, the part that was validated.
    /// 0 while the number of units is not known.
    var fraction: Double {
        if status.state == "finished" { return 1 }
        let ended = status.unitsValidated + (exitCode == 0 ? status.unitsFailed : 0)
        return status.unitsTotal == 0 ? 0 : Double(ended) / Double(status.unitsTotal)
    }

    var isOver: Bool { ["finished", "failed", "cancelled"].contains(status.state) }

    /// 1 for a batch that ended without its answer.
    var exitCode: Int32 {
        status.state == "failed" || status.state == "cancelled" ? FaultKind.negative.rawValue : 0
    }

    var eta: String? {
        status.etaSeconds > 0 && status.etaSeconds.isFinite ? Amounts.seconds(status.etaSeconds) : nil
    }

    /// `12/272 units`, with a `+` while the splitter is at work.
    var units: String {
        "\(status.unitsValidated)/\(status.unitsTotal)\(status.splitFinished ? "" : "+") units"
    }

    var rate: String? {
        guard status.unitsPerSecond > 0 else { return nil }
        return status.unitsPerSecond >= 0.1
            ? "\(Amounts.number(status.unitsPerSecond)) units/s"
            : "\(Amounts.number(status.unitsPerSecond * 3600)) units/h"
    }

    /// How many units are where, for one line.
    var details: String {
        let counts: [(UInt64, String)] = [
            (status.unitsReady, "waiting"), (status.unitsActive, "being computed"),
            (status.unitsComparing, "being checked"), (status.unitsProvisional, "provisional"),
            (status.unitsFailed, "failed"),
            (status.unitsCancelled, "cancelled"),
        ]
        let units = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return (units.isEmpty ? "" : "units: \(units); ") + "tasks: \(status.tasksOut) out, \(status.tasksDone) done; "
            + "\(Amounts.count(status.hostsActive, "host")) active"
    }

    private var unitsText: String {
        if status.unitsTotal == 0 && !status.splitFinished { return "being made" }
        return "\(status.unitsValidated) of \(status.unitsTotal)\(status.splitFinished ? "" : " or more") validated"
    }

    var stateText: String {
        status.reason.isEmpty ? status.state : "\(status.state): \(Printable.clean(status.reason))"
    }

    func text(width: Int, unicode: Bool) -> String {
        var text = "Batch \(status.batchID), \(Printable.clean(status.project)): \(Printable.clean(status.title))\n"
        text += ProgressBar.text(fraction, width: min(60, width - 9), unicode: unicode)
        text += " \(ProgressBar.percent(fraction))\n"
        text += "state    \(stateText)\n"
        text += "units    " + unitsText + "\n"
        text += "now      \(details)\n"
        if let rate { text += "speed    \(rate)\(eta.map { ", about \($0) to go" } ?? "")\n" }
        text += "started  \(Amounts.moment(status.createdMs))\n"
        if status.finishedMs > 0 {
            let seconds = Double(status.finishedMs - min(status.createdMs, status.finishedMs)) / 1000
            text += "ended    \(Amounts.moment(status.finishedMs)), after \(Amounts.seconds(seconds))\n"
        }
        if !status.resultFiles.isEmpty {
            text += "answer   \(status.resultFiles.map(Printable.clean).joined(separator: ", "))\n"
        }
        return text
    }

    var json: JSONValue {
        .members([
            ("batch", .unsigned(status.batchID)), ("project", .text(status.project)), ("title", .text(status.title)),
            ("app", .text(status.app)), ("state", .text(status.state)), ("reason", .optional(status.reason)),
            ("units_total", .unsigned(status.unitsTotal)), ("split_finished", .flag(status.splitFinished)),
            ("units_ready", .unsigned(status.unitsReady)), ("units_active", .unsigned(status.unitsActive)),
            ("units_comparing", .unsigned(status.unitsComparing)),
            ("units_provisional", .unsigned(status.unitsProvisional)),
            ("units_validated", .unsigned(status.unitsValidated)), ("units_failed", .unsigned(status.unitsFailed)),
            ("units_cancelled", .unsigned(status.unitsCancelled)), ("tasks_out", .unsigned(status.tasksOut)),
            ("tasks_done", .unsigned(status.tasksDone)), ("hosts_active", .unsigned(status.hostsActive)),
            ("fraction", .real(fraction)), ("units_per_second", .real(status.unitsPerSecond)),
            ("eta_seconds", status.etaSeconds > 0 ? .real(status.etaSeconds) : .null),
            ("created_ms", .unsigned(status.createdMs)),
            ("finished_ms", status.finishedMs > 0 ? .unsigned(status.finishedMs) : .null),
            ("result_files", .list(status.resultFiles.map { .text($0) })),
        ])
    }
}

/// One line that says how a batch stands, in any width.
public enum StatusLine {
    /// - Parameter parts: what to say beside the bar, the most important first; those that do not fit are left out.
    /// - Returns: at most `width` columns: a bar of 10 to 40, the percentage, then the parts.
    public static func text(_ fraction: Double, parts: [String], width: Int, unicode: Bool) -> String {
        let percent = ProgressBar.percent(fraction)
        var tail = percent
        let barMin = width >= 40 ? 12 : 0
        for part in parts where Printable.width(tail) + 2 + Printable.width(part) + barMin + 1 <= width {
            tail += "  " + part
        }
        let room = width - Printable.width(tail) - 1
        guard room >= 5 else { return Printable.cut(tail, to: width) }
        return ProgressBar.text(fraction, width: min(40, room), unicode: unicode) + " " + tail
    }
}
