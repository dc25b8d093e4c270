import ClientCore

/// What `top` shows and in which mood it is: a value, changed by keys and by what the client answers.
package struct TopState: Sendable {
    /// What the whole screen or its last line is about.
    package enum Mode: Hashable, Sendable {
        case tasks
        case help, why
        /// For how long?
        case askPause
        case askFinish
        /// Give that task back?
        case askAbort(TaskName)
    }

    /// Two projects may have a task of the same number.
    package struct TaskName: Hashable, Sendable {
        package var project: String
        package var task: String
    }

    /// nil: nobody has answered yet.
    package internal(set) var status: ClientStatus?
    /// Why there is no present status.
    package internal(set) var trouble: String?
    package internal(set) var mode = Mode.tasks
    package internal(set) var selected: TaskName?
    /// First line of `help` and `why`.
    package internal(set) var scroll = 0
    /// What the client said to the last wish.
    package internal(set) var note: String?
    package internal(set) var noteIsBad = false
    private var noteLooks = 0
    /// A note is shown for so many looks at the client.
    private static let noteLooksMax = 8

    package init() {}

    /// The client answered, or not.
    package mutating func take(_ outcome: Result<ClientStatus, TopTrouble>) {
        noteLooks += 1
        if noteLooks > Self.noteLooksMax { note = nil }
        switch outcome {
        case .success(let new):
            status = new
            trouble = nil
            keepSelection()
        case .failure(let why):
            trouble = why.words
            status?.running = false
            // What was computing does so no longer.
            for project in (status?.projects ?? []).indices {
                for task in (status?.projects[project].tasks ?? []).indices
                where status?.projects[project].tasks[task].state == "computing" {
                    status?.projects[project].tasks[task].state = "begun"
                }
            }
        }
    }

    package mutating func say(_ words: String, isBad: Bool) {
        note = words
        noteIsBad = isBad
        noteLooks = 0
    }

    /// All tasks in the order in which they are shown.
    package var tasks: [(name: TaskName, task: ClientStatus.Task)] {
        (status?.projects ?? []).flatMap { project in
            project.tasks.map { (TaskName(project: project.name, task: $0.id), $0) }
        }
    }

    package var selectedTask: ClientStatus.Task? {
        guard let selected else { return nil }
        return tasks.first { $0.name == selected }?.task
    }

    private mutating func keepSelection() {
        let names = tasks.map(\.name)
        if let selected, names.contains(selected) { return }
        selected = names.first
        if case .askAbort = mode { mode = .tasks }
    }

    /// Whether the user has said that no new work is wanted, of any project.
    var isWithoutNewWork: Bool { holds.contains { $0.code == .noNewWork } }
    var isFinishing: Bool { holds.contains { $0.code == .finishing } }
    private var holds: [ClientStatus.Hold] { (status?.projects ?? []).flatMap { $0.holds ?? [] } }
}

/// Why there is no answer.
package struct TopTrouble: Error, Hashable, Sendable {
    package var words: String

    package init(_ words: String) { self.words = words }
}
