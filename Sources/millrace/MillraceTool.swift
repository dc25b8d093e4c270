import ArgumentParser
import Console
import Domain
import Manifest

@main
struct MillraceTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Describe a computation, try it here, send it to volunteers, fetch the answer.",
        discussion: """
            Example, from nothing to an answer:
              millrace init my-project --app gamma-pulsar
              millrace lint my-project
              millrace dry-run my-project
              millrace submit my-project
              millrace status --watch
              millrace results 1

            Exit codes:
              0   done
              1   the answer is no: faults found, the batch failed
              64  wrong arguments
              65  wrong data
              66  something that was named is not there
              69  no server answers
              70  a fault of Millrace
              71  the system refuses
              73  a file cannot be written
              75  the connection broke: try again
              76  what answers is no Millrace server
              77  the server refuses the token
              78  wrong installation
            """,
        version: "0.1.0",
        subcommands: [
            Init.self, Lint.self, DryRun.self, Submit.self, Status.self, Results.self, Cancel.self, Report.self,
            Export.self, Apps.self, Release.self, Ledger.self, WitnessTool.self,
        ])

    /// As the parser's own, but wrong arguments beside `--json` give JSON.
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
        } catch {
            // A command that has run has shown its fault already, and throws the code only.
            if !(error is ExitCode), exitCode(for: error) == .validationFailure,
                let code = CommandContext.refuse(arguments, message(for: error), on: Terminal())
            {
                exit(withError: ExitCode(code))
            }
            exit(withError: error)
        }
    }
}

/// What every command takes.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "One JSON value on standard output; faults as JSON on standard error.")
    var json = false

    var context: CommandContext { CommandContext(screen: Terminal(), asJSON: json) }

    /// Runs the command and ends the process with its exit code.
    func finish(_ command: (CommandContext) throws(Fault) -> Int32) throws -> Never {
        throw ExitCode(context.run(command))
    }
}

/// What the commands take that ask a server.
struct ServerOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Address of the server. Else MILLRACE_SERVER, else \(ServerSettings.defaultURL).")
    var server: String?

    @Option(
        name: .long,
        help: "File with the token (admin.token in the server's data folder). Else MILLRACE_TOKEN_FILE.")
    var tokenFile: String?

    func client(_ context: CommandContext) throws(Fault) -> ServerClient {
        ServerClient(try ServerSettings.resolve(server: server, tokenFile: tokenFile), notice: context.remark)
    }
}
