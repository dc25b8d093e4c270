import ClientCore

/// What keeps a client from computing, from the network, from new work, or a task from running: each with what would
/// have to change. Made of its status, so that it can say nothing else than `status` does.
public struct WhyReport: Hashable, Sendable, Codable {
    public struct Finding: Hashable, Sendable, Codable {
        /// `client`, `computing`, `programs`, `network`, `new work`, or `task NUMBER`.
        public var subject: String
        /// Folder's name of the project that it is about; nil: of all.
        public var project: String?
        public var reason: String
        public var sinceMs: Int64?
        /// What would have to change; nil: nothing that the user could do.
        public var until: String?
        /// When it ends by itself; nil: it does not, or nobody knows.
        public var endsAtMs: Int64?
    }

    public var computing: Bool
    /// Empty: nothing stands against anything.
    public var findings: [Finding]

    public init(_ status: ClientStatus) {
        computing = status.running && status.computing
        findings = []
        guard status.running else {
            findings = [
                Finding(
                    subject: "client", reason: "no client runs in this folder", sinceMs: status.writtenAtMs,
                    until: "it is started: `millrace-client run`, or the system's service")
            ]
            return
        }
        if let sandbox = status.sandbox, sandbox.isOn, let lacking = sandbox.lacking {
            add("computing", nil, "tasks would not be held: \(lacking)", until: "this computer has that")
        }
        if let why = status.sandbox?.programs {
            let isOwners = why.contains("preferences")
            add(
                "programs", nil, "programs of scientists are not started: \(why)",
                until: isOwners ? "the preferences allow them" : "this computer has that")
        }
        for objection in status.allowance?.objections ?? [] {
            findings.append(
                Finding(
                    subject: objection.against, reason: objection.reason, sinceMs: objection.sinceMs,
                    until: objection.until, endsAtMs: objection.endsAtMs))
        }
        if status.projects.isEmpty {
            add("computing", nil, "it is attached to no project", until: "`millrace-client attach URL`")
        }
        for project in status.projects { add(project) }
        if !status.projects.isEmpty, status.projects.allSatisfy(\.tasks.isEmpty) {
            add("computing", nil, "it holds no task", until: "a project gives it one")
        }
    }

    private mutating func add(_ subject: String, _ project: String?, _ reason: String, until: String?) {
        findings.append(Finding(subject: subject, project: project, reason: reason, until: until))
    }

    private mutating func add(_ project: ClientStatus.Project) {
        let name = project.name
        if project.state == "set aside" {
            add("computing", name, "it is set aside: \(project.problem ?? "unknown")", until: "that is put right")
            return
        }
        for hold in project.holds ?? [] {
            findings.append(
                Finding(
                    subject: hold.code == .paused ? "computing" : "new work", project: name, reason: hold.reason,
                    sinceMs: hold.sinceMs, until: hold.until, endsAtMs: hold.untilMs))
        }
        for reason in project.noWorkReasons {
            add("new work", name, "the server says: \(reason)", until: "the server has work for this computer")
        }
        if let problem = project.problem { add("client", name, problem, until: nil) }
        for task in project.tasks {
            guard let message = task.message else { continue }
            add("task \(task.id)", name, "\(task.state): \(message)", until: nil)
        }
    }

    /// For a terminal.
    ///
    /// - Parameter nowMs: milliseconds since 1970.
    public func lines(nowMs: Int64) -> [String] {
        var lines = [computing ? "It computes." : "It does not compute."]
        let projects = Set(findings.compactMap(\.project))
        for finding in findings {
            let project = projects.count > 1 ? finding.project.map { " of \($0)" } ?? "" : ""
            let since = finding.sinceMs.map { ", for \(StatusText.duration(Double(max(0, nowMs - $0)) / 1000))" } ?? ""
            lines.append("\(finding.subject)\(project): \(finding.reason)\(since)")
            if let until = finding.until { lines.append("    ends when \(until)") }
            if let ends = finding.endsAtMs, ends > nowMs {
                lines.append("    by itself in \(StatusText.duration(Double(ends - nowMs) / 1000))")
            }
        }
        if findings.isEmpty { lines.append("Nothing stands against it.") }
        return lines
    }
}
