import ClientCore

extension TopState {
    /// What a key asks of those around.
    package enum Act: Hashable, Sendable {
        case ask(ControlRequest)
        case quit
        case suspend
        case redraw
    }

    /// Takes a key in.
    ///
    /// - Returns: what is to be done; nil: only the screen may be another.
    package mutating func take(_ key: TopKey) -> Act? {
        switch key {
        case .quit: return .quit
        case .suspend: return .suspend
        case .redraw: return .redraw
        default: break
        }
        note = nil
        switch mode {
        case .tasks: return takeInTasks(key)
        case .help, .why: return takeInText(key)
        case .askPause: return takePause(key)
        case .askFinish: return takeYes(key, ControlRequest(.finish))
        case .askAbort(let name):
            var request = Self.request(.abortTask, name)
            request.reason = "given back by the user"
            return takeYes(key, request)
        }
    }

    private mutating func takeInTasks(_ key: TopKey) -> Act? {
        switch key {
        case .up: move(-1)
        case .down: move(1)
        case .pageUp: move(-10)
        case .pageDown: move(10)
        case .home: move(-tasks.count)
        case .end: move(tasks.count)
        case .character("q"): return .quit
        case .character("?"), .character("h"): open(.help)
        case .character("w"), .enter: open(.why)
        case .character("p"): mode = .askPause
        case .character("r"): return .ask(ControlRequest(.resume))
        case .character("n"):
            var request = ControlRequest(.newWork)
            request.allowed = isWithoutNewWork
            return .ask(request)
        case .character("f"): return finish()
        case .character("s"): return suspendOrResume()
        case .character("a"): return abort()
        default: break
        }
        return nil
    }

    private mutating func takeInText(_ key: TopKey) -> Act? {
        switch key {
        case .up: scroll = max(0, scroll - 1)
        case .down: scroll += 1
        case .pageUp: scroll = max(0, scroll - 10)
        case .pageDown, .character(" "): scroll += 10
        case .home: scroll = 0
        case .character("q"), .escape, .enter: mode = .tasks
        case .character("?"), .character("h"): open(mode == .help ? .tasks : .help)
        case .character("w"): open(mode == .why ? .tasks : .why)
        default: break
        }
        return nil
    }

    private mutating func takePause(_ key: TopKey) -> Act? {
        mode = .tasks
        guard case .character(let letter) = key else { return nil }
        var request = ControlRequest(.pause)
        switch letter {
        case "1", "2", "4", "8": request.seconds = Double(String(letter)).map { $0 * 3600 }
        case "u": break
        default: return nil
        }
        return .ask(request)
    }

    private mutating func takeYes(_ key: TopKey, _ request: ControlRequest) -> Act? {
        mode = .tasks
        return key == .character("y") ? .ask(request) : nil
    }

    private mutating func finish() -> Act? {
        guard isFinishing else {
            mode = .askFinish
            return nil
        }
        var request = ControlRequest(.finish)
        request.withdraw = true
        return .ask(request)
    }

    private func suspendOrResume() -> Act? {
        guard let selected, let task = selectedTask else { return nil }
        return .ask(Self.request(task.state == "suspended" ? .resumeTask : .suspendTask, selected))
    }

    private mutating func abort() -> Act? {
        if let selected { mode = .askAbort(selected) }
        return nil
    }

    private static func request(_ command: ControlRequest.Command, _ name: TaskName) -> ControlRequest {
        var request = ControlRequest(command)
        request.project = name.project
        request.task = name.task
        return request
    }

    private mutating func open(_ new: Mode) {
        mode = new
        scroll = 0
    }

    private mutating func move(_ step: Int) {
        let names = tasks.map(\.name)
        guard !names.isEmpty else { return }
        let place = names.firstIndex { $0 == selected } ?? 0
        selected = names[min(names.count - 1, max(0, place + step))]
    }
}
