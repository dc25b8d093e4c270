import ClientCore

/// A client's status for a terminal.
public enum StatusText {
    private static func provisional(_ status: ClientStatus) -> String {
        guard let held = status.provisionalCobblestones, held > 0 else { return "" }
        return " and \(decimal(held)) that are not final yet"
    }

    /// - Parameter nowMs: milliseconds since 1970, for ages.
    public static func lines(_ status: ClientStatus, nowMs: Int64) -> [String] {
        var lines = [
            "project    \(status.site.isEmpty ? status.server : "\(status.site) (\(status.server))")",
            "volunteer  \(status.volunteer), host \(status.host)",
            "credit     \(decimal(status.creditCobblestones)) cobblestones\(provisional(status)), "
                + "\(status.validTasks) valid, \(status.invalidTasks) invalid",
            "client     \(activity(status, nowMs))",
        ]
        if let sandbox = status.sandbox { lines.append("sandbox    \(SandboxText.words(sandbox))") }
        if status.running {
            lines += allowance(status, nowMs)
            for probe in status.probes {
                lines.append("probe      \(probe.name): \(probe.value), \(age(probe.atMs, nowMs)) ago")
            }
        }
        if status.running, let limit = status.processor, limit.cpuPercent < 100 { lines.append(bound(limit)) }
        lines.append("contact    \(status.lastContactMs.map { "\(age($0, nowMs)) ago" } ?? "none yet")")
        for reason in status.noWorkReasons { lines.append("no work    \(reason)") }
        if let problem = status.problem { lines.append("problem    \(problem)") }
        if let version = status.newerClient {
            lines.append("update     a newer client is there, \(version): your package manager has it")
        }
        if let trouble = status.releaseTrouble { lines.append("releases   \(trouble)") }
        lines.append("tasks      \(status.tasks.count)")
        for task in status.tasks {
            let percent = Int(task.fraction * 100)
            let message = task.message.map { ": \($0)" } ?? ""
            lines.append("  \(task.id)  \(percent) %  \(task.state)\(message)  \(task.project) \(task.label)")
        }
        return lines
    }

    private static func bound(_ limit: ProcessorLimit) -> String {
        let measured = limit.measuredPercent.map {
            ", \(Int($0.rounded())) % used in the last \(Int(limit.measuredSeconds.rounded())) s"
        }
        return "processor  \(limit.cpuPercent) % of the cores of running tasks\(measured ?? "") (\(limit.method))"
    }

    /// What stands against computing beside the first, what against the network, and what is wrong with the file.
    private static func allowance(_ status: ClientStatus, _ nowMs: Int64) -> [String] {
        var lines: [String] = []
        if let allowance = status.allowance {
            if allowance.mayCompute {
                let use = allowance.inUse ? "the computer is in use" : "nobody uses the computer"
                lines.append("allowed    \(allowance.cores) tasks at \(allowance.cpuPercent) % of a core: \(use)")
            }
            let computing = allowance.objections.filter { $0.against == "computing" }
            lines += computing.dropFirst().map { "           also: \(objection($0, nowMs))" }
            let network = allowance.objections.filter { $0.against == "network" }
            lines += network.map { "network    not used: \(objection($0, nowMs))" }
        }
        if let problem = status.preferencesProblem {
            lines += problem.split(separator: "\n").map { "preferences \($0)" }
        }
        return lines
    }

    private static func objection(_ objection: AllowanceStatus.Objection, _ nowMs: Int64) -> String {
        "\(objection.reason), for \(age(objection.sinceMs, nowMs)); ends when \(objection.until)"
    }

    private static func activity(_ status: ClientStatus, _ nowMs: Int64) -> String {
        guard status.running else { return "not running; last seen \(age(status.writtenAtMs, nowMs)) ago" }
        guard let pause = status.pause else { return "computing" }
        return "paused for \(age(pause.sinceMs, nowMs)): \(pause.reason); goes on when \(pause.until)"
    }

    private static func age(_ thenMs: Int64, _ nowMs: Int64) -> String {
        let seconds = max(0, (nowMs - thenMs) / 1000)
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7200 { return "\(seconds / 60) min" }
        return "\(seconds / 3600) h"
    }

    private static func decimal(_ value: Double) -> String {
        let thousandths = Int64((value * 1000).rounded())
        let fraction = String(thousandths.magnitude % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        return "\(thousandths < 0 ? "-" : "")\(thousandths.magnitude / 1000).\(zeros)\(fraction)"
    }
}
