import ClientCore
import Domain

/// Lays a state out on a screen of any size: never wider, never taller.
package struct TopScreen: Sendable {
    package var columns: Int
    package var rows: Int
    package var look: TerminalLook
    /// Milliseconds since 1970.
    package var nowMs: Int64

    package init(columns: Int, rows: Int, look: TerminalLook, nowMs: Int64) {
        self.columns = columns
        self.rows = rows
        self.look = look
        self.nowMs = nowMs
    }

    /// What matters most comes first: on a single row it is whether and why.
    package func lines(_ state: TopState) -> [TerminalLine] {
        guard columns > 0, rows > 0 else { return [] }
        let headline = headline(state)
        guard rows > 2 else {
            let last = state.mode == .tasks && state.note == nil ? [] : [bottom(state)]
            let all = rows == 1 ? (last.isEmpty ? Array(headline.prefix(1)) : last) : headline.prefix(1) + last
            return all.prefix(rows).map { $0.fitted(columns) }
        }
        var head = rows >= 8 ? [title(state)] : []
        head += headline.prefix(rows >= 12 ? 3 : rows >= 6 ? 2 : 1)
        let room = rows - head.count - 1
        let body = body(state, room)
        let space = [TerminalLine](repeating: TerminalLine(), count: max(0, room - body.count))
        return (head + body + space + [bottom(state)]).prefix(rows).map { $0.fitted(columns) }
    }

    private func body(_ state: TopState, _ room: Int) -> [TerminalLine] {
        switch state.mode {
        case .help: return scrolled(TopHelp.lines(columns: columns), state.scroll, room)
        case .why: return scrolled(why(state), state.scroll, room)
        default: break
        }
        guard let status = state.status else { return [] }
        let foot = room >= 10 ? summary(status) : room >= 7 ? Array(summary(status).prefix(1)) : []
        let blank = rows >= 16 ? [TerminalLine()] : []
        let most = max(0, room - foot.count - 2 * blank.count)
        let (table, chosen) = TopTable(self, state).lines()
        var shown = blank + window(table, around: chosen, most)
        if rows < 16 || foot.isEmpty { return Array((shown + foot).prefix(room)) }
        while shown.count < room - foot.count { shown.append(TerminalLine()) }
        return Array((shown + foot).prefix(room))
    }

    // MARK: Parts

    private func title(_ state: TopState) -> TerminalLine {
        var line = TerminalLine("Millrace", .strong)
        guard let status = state.status, status.running else { return line }
        if let project = status.projects.first, !project.volunteer.isEmpty {
            line.add(" · \(project.volunteer)", .quiet)
        }
        let credit = status.projects.reduce(0) { $0 + $1.creditCobblestones }
        let valid = status.projects.reduce(0) { $0 + $1.validTasks }
        let invalid = status.projects.reduce(0) { $0 + $1.invalidTasks }
        line.add(" · \(StatusText.decimal(credit)) cobblestones", .quiet)
        let held = status.projects.reduce(0) { $0 + ($1.provisionalCobblestones ?? 0) }
        if held > 0 { line.add(" (\(StatusText.decimal(held)) more not final yet)", .quiet) }
        line.add(" · \(valid) valid, \(invalid) invalid", .quiet)
        return line
    }

    /// Whether it computes and why not, in a plain sentence; more than one line where that is long.
    private func headline(_ state: TopState) -> [TerminalLine] {
        if let trouble = state.trouble {
            return TerminalLine.wrapped(
                "\(trouble.prefix(1).uppercased())\(trouble.dropFirst()); waiting for one.", .bad, columns: columns)
        }
        guard let status = state.status else { return [TerminalLine("Asking the client …", .quiet)] }
        let (words, style) = StatusSentence.words(status, nowMs: nowMs)
        return TerminalLine.wrapped(words, style, columns: columns)
    }

    private func why(_ state: TopState) -> [TerminalLine] {
        guard let status = state.status else { return [] }
        var lines: [TerminalLine] = []
        if let task = state.selectedTask {
            let message = task.message.map { ": \($0)" } ?? ""
            lines.append(TerminalLine("Task \(task.id), \(task.project) \(task.label)", .strong))
            lines += TerminalLine.wrapped("It is \(task.state)\(message).", columns: columns)
            lines.append(TerminalLine())
        }
        let report = WhyReport(status)
        for line in report.lines(nowMs: nowMs) {
            let indent = line.prefix { $0 == " " }.count
            let inner = TerminalLine.wrapped(line, columns: max(1, columns - indent))
            lines += inner.map { TerminalLine(String(repeating: " ", count: indent) + $0.text) }
        }
        return lines
    }

    /// Transfers, limits and what the probes say, a line each.
    private func summary(_ status: ClientStatus) -> [TerminalLine] {
        guard status.running else { return [] }
        var lines: [TerminalLine] = []
        func add(_ name: String, _ words: String) {
            var line = TerminalLine()
            line.add(name, .quiet, columns: 11)
            line.add(words)
            lines.append(line)
        }
        if let allowance = status.allowance {
            add("limits", StatusSentence.limits(allowance, status.processor))
        }
        if let transfers = status.transfers { add("transfers", StatusSentence.transfers(transfers, status)) }
        if !status.probes.isEmpty {
            add("sensors", status.probes.map { "\($0.name): \($0.value)" }.joined(separator: "; "))
        }
        if let sandbox = status.sandbox { add("sandbox", StatusSentence.sandbox(sandbox)) }
        return lines
    }

    private func bottom(_ state: TopState) -> TerminalLine {
        switch state.mode {
        case .askPause:
            return TerminalLine("Pause for: 1, 2, 4 or 8 hours, u until you resume; any other key: not", .chosen)
        case .askFinish:
            return TerminalLine("Finish what is begun, give back the rest, and end? y yes, n no", .chosen)
        case .askAbort(let name):
            return TerminalLine("Give task \(name.task) back to its project? y yes, n no", .chosen)
        case .help, .why:
            return keys([("↑↓", "scroll"), ("q", "back")])
        case .tasks: break
        }
        if let note = state.note { return TerminalLine(note, state.noteIsBad ? .bad : .good) }
        guard state.status?.running == true else { return keys([("q", "quit"), ("?", "help")]) }
        return keys([
            ("q", "quit"), ("p", "pause"), ("r", "resume"), ("w", "why"), ("?", "help"),
            ("n", state.isWithoutNewWork ? "new work on" : "new work off"),
            ("s", state.selectedTask?.state == "suspended" ? "resume task" : "suspend task"), ("a", "abort task"),
            ("f", state.isFinishing ? "do not finish" : "finish"),
        ])
    }

    private func keys(_ all: [(key: String, words: String)]) -> TerminalLine {
        var line = TerminalLine()
        for (key, words) in all {
            let key = look.isUnicode ? key : key == "↑↓" ? "arrows" : key
            // A key that does not fit whole is left to the help.
            guard line.columns + DisplayWidth.columns(key) + words.count + 3 <= max(columns, 8) else { break }
            if !line.pieces.isEmpty { line.add("  ") }
            line.add(key, .strong)
            line.add(" \(words)", .quiet)
        }
        return line
    }

    // MARK: Windows

    private func scrolled(_ lines: [TerminalLine], _ first: Int, _ room: Int) -> [TerminalLine] {
        Array(lines.dropFirst(min(first, max(0, lines.count - room))).prefix(max(0, room)))
    }

    /// At most so many lines, the chosen one among them.
    private func window(_ lines: [TerminalLine], around chosen: Int?, _ room: Int) -> [TerminalLine] {
        guard room > 0 else { return [] }
        guard lines.count > room, let chosen else { return Array(lines.prefix(room)) }
        let first = min(max(0, chosen - room / 2), lines.count - room)
        return Array(lines[first..<first + room])
    }
}
