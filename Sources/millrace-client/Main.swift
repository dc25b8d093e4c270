import ArgumentParser
import ClientSystem
import Domain
import Glibc
import WorkerHost

/// The volunteer's program.
@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-client",
        abstract: "Gives this computer's idle time to science.",
        discussion: """
            millrace-client attach http://millrace.example.org --name Ada
            millrace-client run

            exit codes: 0 done, 1 the answer is no, 64 usage, 65 bad data, 66 no such file, 69 server unreachable,
            70 software, 71 operating system, 73 cannot write, 75 connection broke, 76 protocol, 77 refused,
            78 configuration
            """,
        version: HostInventory.clientVersion,
        subcommands: [
            AttachCommand.self, RunCommand.self, StatusCommand.self, WhyCommand.self, TopCommand.self,
            PageCommand.self, HistoryCommand.self, PauseCommand.self, ResumeCommand.self, FinishCommand.self,
            NewWorkCommand.self, TaskCommand.self, ProjectsCommand.self,
            PrefsCommand.self, ProbesCommand.self, SandboxCommand.self, AccountCommand.self, TeamCommand.self,
            LinkCommand.self, HostsCommand.self, ExportCommand.self, ReceiptsCommand.self, DetachCommand.self,
        ]
    )
}

/// What every command has.
struct DataOption: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The client's folder; default: that of the computer's service, else ~/.local/share/millrace.",
            valueName: "folder"))
    var given: String?

    var path: String {
        get throws(Fault) {
            if let given { return given }
            return try ClientFolder.enter()
        }
    }

    /// For a command that only reads the folder, and writes a file where the person stands, who may have said `sudo`.
    var pathToRead: String {
        get throws(Fault) {
            if let given { return given }
            return try ClientFolder.look()
        }
    }
}

/// The person who said `sudo`: a file that is written for them should be theirs.
enum SudoCaller {
    static func own(_ path: String) {
        func number(_ name: String) -> UInt32? { getenv(name).flatMap { UInt32(String(cString: $0)) } }
        guard geteuid() == 0, let user = number("SUDO_UID"), let group = number("SUDO_GID") else { return }
        // Where that fails it is root's, and readable with sudo as the command was.
        _ = lchown(path, user, group)
    }
}

/// What every command has that is about one project.
struct ProjectOption: ParsableArguments {
    @Option(
        name: .customLong("project"),
        help: "The server's address, or the name that `projects` shows; not needed when there is only one.")
    var name: String?
}

/// Runs a command's body; a fault becomes its message and its exit code.
func reporting(_ body: () throws(Fault) -> Void) throws {
    StandardDescriptors.ensureOpen()
    do throws(Fault) { try body() } catch {
        complain("millrace-client: \(error)")
        throw ExitCode(error.kind.rawValue)
    }
}

/// A line to the standard output. It may hold the words of a server.
func show(_ line: String) { print(PrintableText.clean(line)) }

/// A line or more to the standard error. They may hold the words of a server.
func complain(_ lines: String) {
    let bytes = Array((PrintableText.cleanLines(lines) + "\n").utf8)
    _ = write(2, bytes, bytes.count)
}
