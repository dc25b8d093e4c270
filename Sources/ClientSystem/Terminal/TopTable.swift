import ClientCore

/// Projects and their tasks with progress bars, in as many columns as fit.
struct TopTable {
    private let screen: TopScreen
    private let state: TopState
    private let widths: Widths

    /// Columns of each part; 0: it is left out.
    private struct Widths {
        var number = 0
        var bar: Int
        var left = 0
        var deadline = 0
        var word = 0

        init(_ columns: Int, numberMax: Int) {
            switch columns {
            case 100...: (number, bar, left, deadline, word) = (min(numberMax, 14), 20, 8, 9, 22)
            case 76...: (number, bar, left, deadline, word) = (min(numberMax, 12), 12, 8, 9, 11)
            case 56...: (number, bar, left, word) = (min(numberMax, 10), 10, 8, 12)
            case 36...: (number, bar, word) = (min(numberMax, 9), 8, 9)
            case 16...: bar = 6
            default: bar = 0
            }
        }
    }

    init(_ screen: TopScreen, _ state: TopState) {
        self.screen = screen
        self.state = state
        let longest = state.tasks.map { DisplayWidth.columns($0.task.id) }.max() ?? 0
        widths = Widths(screen.columns, numberMax: max(4, longest))
    }

    /// - Returns: the lines, and which of them is the selected task's.
    func lines() -> ([TerminalLine], Int?) {
        guard let status = state.status else { return ([], nil) }
        var lines: [TerminalLine] = []
        var chosen: Int?
        for project in status.projects {
            lines += heads(project, isOnly: status.projects.count == 1)
            if !project.tasks.isEmpty, widths.left > 0 { lines.append(names) }
            for task in project.tasks {
                let isChosen = state.selected == TopState.TaskName(project: project.name, task: task.id)
                if isChosen { chosen = lines.count }
                lines.append(row(task, isChosen: isChosen))
            }
        }
        return (lines, chosen)
    }

    private func heads(_ project: ClientStatus.Project, isOnly: Bool) -> [TerminalLine] {
        var line = TerminalLine(project.site.isEmpty ? project.name : project.site, .strong)
        if project.state != "working" { line.add("  \(project.state)", .busy) }
        if !isOnly { line.add("  \(StatusText.decimal(project.creditCobblestones)) cobblestones", .quiet) }
        line.add("  \(project.server)", .quiet)
        if let contact = project.lastContactMs, state.status?.running == true {
            line.add("  heard \(StatusText.age(contact, screen.nowMs)) ago", .quiet)
        }
        var lines = [line]
        if let problem = project.problem { lines.append(TerminalLine("  \(problem)", .bad)) }
        for hold in project.holds ?? [] where hold.code != .paused {
            lines.append(TerminalLine("  no new work: \(hold.reason)", .busy))
        }
        for reason in project.noWorkReasons { lines.append(TerminalLine("  the server: \(reason)", .quiet)) }
        if project.tasks.isEmpty, project.state == "working" {
            lines.append(TerminalLine("  no tasks now", .quiet))
        }
        return lines
    }

    private var names: TerminalLine {
        var line = TerminalLine("  ")
        func add(_ name: String, _ width: Int, toTheRight: Bool = false) {
            guard width > 0 else { return }
            line.add(name, columns: width, toTheRight: toTheRight)
            line.add(" ")
        }
        add("TASK", widths.number)
        add("PROGRESS", widths.bar + 6)
        add("LEFT", widths.left)
        add("DEADLINE", widths.deadline)
        add("STATE", widths.word)
        line.add("PROJECT")
        line.dress(.quiet)
        return line
    }

    private func row(_ task: ClientStatus.Task, isChosen: Bool) -> TerminalLine {
        var line = TerminalLine(isChosen ? "› " : "  ")
        if widths.number > 0 {
            line.add(task.id, columns: widths.number)
            line.add(" ")
        }
        let bar = screen.look.bar(task.fraction, columns: widths.bar)
        line.add(bar.full, .bar)
        line.add(bar.rest, .rest)
        line.add("\(StatusSentence.percent(task.fraction)) % ", columns: 7, toTheRight: true)
        if widths.left > 0 {
            let left = task.remainingSeconds.map(StatusText.duration) ?? "-"
            line.add(left, columns: widths.left)
            line.add(" ")
        }
        if widths.deadline > 0 {
            let seconds = Double(task.deadlineMs - screen.nowMs) / 1000
            line.add(seconds > 0 ? "in \(StatusSentence.shortDuration(seconds))" : "over", columns: widths.deadline)
            line.add(" ")
        }
        if widths.word > 0 {
            line.add(task.state, Self.style(task), columns: widths.word)
            line.add(" ")
        }
        line.add(task.label.isEmpty ? task.project : "\(task.project) · \(task.label)")
        if let message = task.message { line.add("  \(message)", .busy) }
        if isChosen {
            line = line.fitted(screen.columns)
            line.add("", columns: screen.columns - line.columns)
            line.dress(.chosen)
        }
        return line
    }

    private static func style(_ task: ClientStatus.Task) -> TextStyle {
        switch task.state {
        case "computing": .good
        case let word where word.hasPrefix("failed"): .bad
        case "paused", "suspended": .busy
        default: .plain
        }
    }
}
