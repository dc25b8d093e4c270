import ClientCore

/// A client's status for a terminal.
public enum StatusText {
    /// - Parameter nowMs: milliseconds since 1970, for ages.
    public static func lines(_ status: ClientStatus, nowMs: Int64) -> [String] {
        var lines = ["client     \(activity(status, nowMs))"]
        if let sandbox = status.sandbox { lines.append("sandbox    \(SandboxText.words(sandbox))") }
        if let why = status.sandbox?.programs { lines.append("programs   not started: \(why)") }
        if status.running {
            lines += allowance(status, nowMs)
            lines += (status.repairs ?? []).map { "repaired   \($0)" }
            for probe in status.probes {
                lines.append("probe      \(probe.name): \(probe.value), \(age(probe.atMs, nowMs)) ago")
            }
        }
        if status.running, let limit = status.processor, limit.cpuPercent < 100 { lines.append(bound(limit)) }
        let shares = status.projects.reduce(0) { $0 + $1.share }
        for project in status.projects {
            if status.projects.count > 1 { lines.append("") }
            let isOnly = status.projects.count == 1
            lines += self.lines(project, share: isOnly ? nil : shares, isRunning: status.running, nowMs)
        }
        if status.projects.isEmpty { lines.append("project    none: `millrace-client attach URL` joins one") }
        return lines
    }

    /// - Parameter share: the sum of all shares; nil: there is nobody to share with.
    private static func lines(
        _ project: ClientStatus.Project, share: Double?, isRunning: Bool, _ nowMs: Int64
    ) -> [String] {
        var lines = ["project    \(title(project))"]
        if let share {
            let cores = isRunning ? ", \(project.cores) cores now" : ""
            lines.append("share      \(short(project.share)) of \(short(share))\(cores)")
        }
        if !["working", "stopped"].contains(project.state) { lines.append("state      \(project.state)") }
        if let problem = project.problem { lines.append("problem    \(problem)") }
        lines += (project.repairs ?? []).map { "repaired   \($0)" }
        guard project.state != "set aside" else { return lines }
        lines += [
            "volunteer  \(project.volunteer), host \(project.host)",
            "credit     \(decimal(project.creditCobblestones)) cobblestones\(provisional(project)), "
                + "\(project.validTasks) valid, \(project.invalidTasks) invalid",
            "contact    \(project.lastContactMs.map { "\(age($0, nowMs)) ago" } ?? "none yet")",
        ]
        for hold in project.holds ?? [] where hold.code != .paused {
            lines.append("no work    \(hold.reason); ends when \(hold.until)")
        }
        for reason in project.noWorkReasons { lines.append("no work    \(reason)") }
        if let version = project.newerClient {
            lines.append("update     a newer client is there, \(version): your package manager has it")
        }
        if let trouble = project.releaseTrouble { lines.append("releases   \(trouble)") }
        lines.append("tasks      \(project.tasks.count)")
        for task in project.tasks {
            let percent = Int(task.fraction * 100)
            let message = task.message.map { ": \($0)" } ?? ""
            lines.append("  \(task.id)  \(percent) %  \(task.state)\(message)  \(task.project) \(task.label)")
        }
        return lines
    }

    /// A line for each project: what a person needs to name it, its share, its state, its credit.
    ///
    /// - Parameter status: nil: no client has run yet.
    public static func projects(
        _ attached: [(name: String, attachment: ClientState.Attachment?)], status: ClientStatus?
    ) -> [String] {
        attached.map { name, attachment in
            let known = status?.projects.first { $0.name == name }
            let isRunning = status?.running == true
            let state = isRunning ? known?.state ?? "not taken up yet" : "no client runs"
            return [
                name, attachment?.serverURL ?? "address not known", "share \(short(known?.share ?? 100))", state,
                "\(decimal(known?.creditCobblestones ?? 0)) cobblestones",
            ].joined(separator: "  ")
        }
    }

    private static func title(_ project: ClientStatus.Project) -> String {
        guard !project.server.isEmpty else { return project.name }
        return project.site.isEmpty ? project.server : "\(project.site) (\(project.server))"
    }

    private static func provisional(_ project: ClientStatus.Project) -> String {
        guard let held = project.provisionalCobblestones, held > 0 else { return "" }
        return " and \(decimal(held)) that are not final yet"
    }

    /// A share, without decimals where it has none.
    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : decimal(value)
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
        guard let pause = status.pause else {
            if status.computing { return "computing" }
            return status.projects.isEmpty ? "waiting for a project" : "nothing to compute now"
        }
        return "paused for \(age(pause.sinceMs, nowMs)): \(pause.reason); goes on when \(pause.until)"
    }

    static func age(_ thenMs: Int64, _ nowMs: Int64) -> String {
        duration(Double(max(0, nowMs - thenMs)) / 1000)
    }

    /// - Parameter seconds: 0 or more.
    static func duration(_ seconds: Double) -> String {
        let whole = Int64(min(seconds, 1e12))
        if whole < 120 { return "\(whole) s" }
        if whole < 7200 { return "\(whole / 60) min" }
        return "\(whole / 3600) h"
    }

    static func decimal(_ value: Double) -> String {
        let thousandths = Int64((value * 1000).rounded())
        let fraction = String(thousandths.magnitude % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        return "\(thousandths < 0 ? "-" : "")\(thousandths.magnitude / 1000).\(zeros)\(fraction)"
    }
}
