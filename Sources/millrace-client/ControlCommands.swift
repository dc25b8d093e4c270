import ArgumentParser
import ClientSystem
import Domain

/// Asks the running client, and shows what it says.
private func ask(_ request: ControlRequest, _ data: DataOption) throws {
    try reporting { () throws(Fault) in
        if let problem = request.problem { throw Fault(.usage, problem) }
        show(try ControlClient.ask(request, folder: data.path).done ?? "done")
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Lets the running client pause, for some hours or until `resume`; a restart does not end it.",
        discussion: "Example: millrace-client pause --hours 2"
    )

    @Option(help: "Hours until it goes on by itself.")
    var hours: Double?

    @OptionGroup var data: DataOption

    func run() throws {
        var request = ControlRequest(.pause)
        request.seconds = hours.map { $0 * 3600 }
        try ask(request, data)
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Ends a pause, a `finish`, and the wait after failed tasks.")

    @OptionGroup var data: DataOption

    func run() throws { try ask(ControlRequest(.resume), data) }
}

struct FinishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finish",
        abstract: "Lets the running client finish what it has begun, give back the rest, and end.",
        discussion: "`millrace-client finish --withdraw`, or `resume`, and it stays.")

    @Flag(help: "Stay after all.")
    var withdraw = false

    @OptionGroup var data: DataOption

    func run() throws {
        var request = ControlRequest(.finish)
        request.withdraw = withdraw
        try ask(request, data)
    }
}

struct NewWorkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new-work",
        abstract: "Whether the running client asks for new work: `on` or `off`, of all projects or of one.",
        discussion: "Example: millrace-client new-work off --project millrace.example.org")

    enum Choice: String, ExpressibleByArgument {
        case on, off
    }

    @Argument(help: "on or off.")
    var choice: Choice

    @Option(help: "A project's name or address; default: all.")
    var project: String?

    @OptionGroup var data: DataOption

    func run() throws {
        var request = ControlRequest(.newWork)
        request.allowed = choice == .on
        request.project = project
        try ask(request, data)
    }
}

struct TaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task",
        abstract: "One task: `suspend` it, `resume` it, or give it back (`abort`).",
        discussion: "Example: millrace-client task abort 1.17#0 --reason \"too hot\"")

    enum Act: String, ExpressibleByArgument {
        case suspend, resume, abort
    }

    @Argument(help: "suspend, resume or abort.")
    var act: Act

    @Argument(help: "The task's number, as `status` shows it.")
    var task: String

    @Option(help: "The project's name or address, where several have a task of that number.")
    var project: String?

    @Option(help: "Why it is given back; the project sees it.")
    var reason: String?

    @OptionGroup var data: DataOption

    func run() throws {
        let command: ControlRequest.Command =
            switch act {
            case .suspend: .suspendTask
            case .resume: .resumeTask
            case .abort: .abortTask
            }
        var request = ControlRequest(command)
        request.task = task
        request.project = project
        request.reason = reason
        try ask(request, data)
    }
}
