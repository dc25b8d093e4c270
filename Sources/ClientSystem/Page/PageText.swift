import ClientCore
import Domain

/// The parts of the page that change by themselves.
enum PagePart: String, Hashable, Sendable, CaseIterable {
    case now, said, acts, tasks, credit, science, projects, preferences
}

/// The page's words and pictures, of one look at the client.
struct PageText {
    private let look: PageRoutes.Look
    private let formToken: String
    private var status: ClientStatus { look.status }

    init(_ look: PageRoutes.Look, formToken: String) {
        self.look = look
        self.formToken = formToken
    }

    var parts: [PagePart: Markup] {
        [
            .now: now, .said: "", .acts: acts, .tasks: tasks, .credit: PageChart.credit(look.history),
            .science: PageScience(look.history).markup, .projects: projects, .preferences: preferences,
        ]
    }

    /// The whole page with its parts in their places.
    static func whole(_ parts: [PagePart: Markup]) -> Markup {
        func part(_ part: PagePart) -> Markup { "<div id=\"\(part.rawValue)\">\(parts[part] ?? "")</div>" }
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Millrace on this computer</title>
            <link rel="icon" href="icon.svg">
            <link rel="stylesheet" href="page.css">
            <script src="page.js" defer></script>
            </head>
            <body>
            <header>
            <h1>Millrace <span class="quiet">on this computer</span></h1>
            <p id="link" role="status"></p>
            </header>
            <main>
            <section class="card first">\(part(.now))\(part(.said))\(part(.acts))</section>
            <section class="card"><h2>Tasks</h2>\(part(.tasks))</section>
            <div class="pair">
            <section class="card"><h2>Credit over time</h2>\(part(.credit))</section>
            <section class="card"><h2>What this computer did for science</h2>\(part(.science))</section>
            </div>
            <section class="card"><h2>Projects</h2>\(part(.projects))</section>
            <section class="card">
            <details><summary><h2>Preferences</h2></summary>\(part(.preferences))</details>
            </section>
            </main>
            <footer><p>Served by the client on this computer, for you alone; it closes an hour after the last look.
            <code>millrace-client page</code> opens it again.</p></footer>
            </body>
            </html>

            """
    }

    // MARK: What it does

    private var now: Markup {
        let (words, style) = StatusSentence.words(status, nowMs: look.nowMs)
        let mood = style == .good ? "good" : style == .bad ? "bad" : "busy"
        var markup: Markup = "<p class=\"sentence \(mood)\">\(words)</p>"
        let findings = WhyReport(status).findings.filter { !$0.subject.hasPrefix("task ") }.prefix(12)
        let first = status.pause?.reason
        let others = findings.filter { $0.reason != first || $0.subject == "network" }
        if !others.isEmpty {
            let rows: [Markup] = others.map { finding in
                let until: Markup = finding.until.map { " <span class=\"quiet\">Ends when \($0).</span>" } ?? ""
                return "<li><b>\(finding.subject)</b>: \(finding.reason).\(until)</li>"
            }
            markup += "<ul class=\"reasons\">\(rows)</ul>"
        }
        var facts: [(String, String)] = []
        if let allowance = status.allowance {
            facts.append(("limits", StatusSentence.limits(allowance, status.processor)))
        }
        if let transfers = status.transfers { facts.append(("network", StatusSentence.transfers(transfers, status))) }
        if !status.probes.isEmpty {
            facts.append(("sensors", status.probes.map { "\($0.name): \($0.value)" }.joined(separator: "; ")))
        }
        if let sandbox = status.sandbox { facts.append(("sandbox", StatusSentence.sandbox(sandbox))) }
        let rows: [Markup] = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" }
        return "\(markup)<dl class=\"facts\">\(rows)</dl>"
    }

    private var acts: Markup {
        let holds = status.projects.flatMap { $0.holds ?? [] }
        let isPaused = holds.contains { $0.code == .paused }
        let isWithoutNewWork = holds.contains { $0.code == .noNewWork }
        var forms: [Markup] = []
        if isPaused {
            forms.append(form("Resume", [("act", "resume")], isMain: true))
        } else {
            forms.append(form("Pause for 1 hour", [("act", "pause"), ("seconds", "3600")]))
            forms.append(form("for 8 hours", [("act", "pause"), ("seconds", "28800")]))
            forms.append(form("until I resume", [("act", "pause")]))
        }
        forms.append(
            form(
                isWithoutNewWork ? "Take new work again" : "Take no new work",
                [("act", "new-work"), ("allowed", isWithoutNewWork ? "true" : "false")]))
        return "<div class=\"acts\">\(forms)</div>"
    }

    private func form(_ words: String, _ fields: [(String, String)], isMain: Bool = false) -> Markup {
        let inputs: [Markup] = (fields + [("form", formToken)]).map {
            "<input type=\"hidden\" name=\"\($0.0)\" value=\"\($0.1)\">"
        }
        return """
            <form method="post" action="act">\(inputs)\
            <button class="\(isMain ? "main" : "")">\(words)</button></form>
            """
    }

    // MARK: Tasks

    private var tasks: Markup {
        let all = status.projects.flatMap { project in project.tasks.map { (project, $0) } }
        guard !all.isEmpty else { return "<p class=\"quiet\">No tasks now.</p>" }
        // What moves comes first; of a long line of others only the beginning is shown at once.
        let waiting = all.filter { Self.isWaiting($0.1) }
        let shown = all.filter { !Self.isWaiting($0.1) } + waiting.prefix(Self.waitingShown)
        let rest: [Markup] = waiting.dropFirst(Self.waitingShown).map { row($0.0, $0.1) }
        let rows: [Markup] = shown.map { row($0.0, $0.1) }
        let more: Markup =
            rest.isEmpty
            ? ""
            : """
            <details data-keep="waiting"><summary>\(rest.count) more that wait</summary>\
            <ul class="tasks">\(rest)</ul></details>
            """
        return "<ul class=\"tasks\">\(rows)</ul>\(more)"
    }

    private static let waitingShown = 3

    private static func isWaiting(_ task: ClientStatus.Task) -> Bool {
        task.fraction == 0 && ["ready", "waiting for inputs", "waiting for its work unit"].contains(task.state)
    }

    private func row(_ project: ClientStatus.Project, _ task: ClientStatus.Task) -> Markup {
        let percent = StatusSentence.percent(task.fraction)
        var facts = [task.state]
        if let left = task.remainingSeconds {
            facts.append("about \(StatusText.duration(max(0, left))) of computing left")
        }
        let due = Double(task.deadlineMs - look.nowMs) / 1000
        facts.append(due > 0 ? "due in \(StatusSentence.shortDuration(due))" : "its deadline is over")
        if let message = task.message { facts.append(message) }
        let isResting = task.state == "suspended"
        let canRest = isResting || ["ready", "computing", "paused", "waiting for inputs"].contains(task.state)
        let rest: Markup =
            canRest
            ? form(
                isResting ? "Go on" : "Rest",
                [
                    ("act", isResting ? "resume-task" : "suspend-task"), ("task", task.id), ("project", project.name),
                ]) : ""
        let mood = task.state == "computing" ? "good" : task.state.hasPrefix("failed") ? "bad" : ""
        return """
            <li><div class="taskhead"><b>\(task.project)</b> <span>\(task.label)</span> \
            <span class="quiet">\(task.id)</span></div>\
            <div class="progress"><progress class="\(mood)" max="100" value="\(percent)" \
            aria-label="\(task.project) \(task.id)"></progress><span>\(percent) %</span>\(rest)</div>\
            <p class="quiet">\(facts.joined(separator: " · "))</p></li>
            """
    }

    // MARK: Projects and preferences

    private var projects: Markup {
        guard !status.projects.isEmpty else {
            return "<p class=\"quiet\">None yet: <code>millrace-client attach URL</code> joins one.</p>"
        }
        let rows: [Markup] = status.projects.map { project in
            let held = project.provisionalCobblestones ?? 0
            let credit: Markup =
                held > 0 ? " <span class=\"quiet\">+ \(StatusText.decimal(held)) not final yet</span>" : ""
            let contact = project.lastContactMs.map { "\(StatusText.age($0, look.nowMs)) ago" } ?? "not yet"
            let problem: Markup = project.problem.map { "<p class=\"bad\">\($0)</p>" } ?? ""
            return """
                <tr><td data-name="project"><b>\(project.site.isEmpty ? project.name : project.site)</b>\
                <br><span class="quiet">\(project.server)</span>\(problem)</td>\
                <td data-name="state">\(project.state)</td>\
                <td data-name="credit" class="number">\(StatusText.decimal(project.creditCobblestones))\(credit)</td>\
                <td data-name="valid" class="number">\(project.validTasks)</td>\
                <td data-name="invalid" class="number">\(project.invalidTasks)</td>\
                <td data-name="heard">\(contact)</td></tr>
                """
        }
        return """
            <table class="wide"><thead><tr><th>project</th><th>state</th><th class="number">cobblestones</th>\
            <th class="number">valid</th><th class="number">invalid</th><th>heard</th></tr></thead>\
            <tbody>\(rows)</tbody></table>
            """
    }

    private var preferences: Markup {
        let problem: Markup = status.preferencesProblem.map { "<p class=\"bad\">\($0)</p>" } ?? ""
        let rows: [Markup] = look.preferences.map {
            "<tr><td><code>\($0.field)</code></td><td>\($0.value)</td><td class=\"quiet\">\($0.origin)</td></tr>"
        }
        return """
            \(problem)<table><thead><tr><th>field</th><th>value</th><th>from</th></tr></thead>\
            <tbody>\(rows)</tbody></table>
            """
    }
}
