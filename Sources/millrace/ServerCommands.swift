import ArgumentParser
import Console
import Domain

struct Submit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a project, upload its inputs, and submit it as a new batch.",
        discussion: """
            What the server has already is not sent again; a broken upload goes on where it stopped.

            Example:
              millrace submit projects/gamma-pulsar --server http://127.0.0.1:8080 --token-file data/admin.token
            """)

    @Argument(help: "A project's folder or its project.yaml.")
    var path = "."
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            let client = try server.client(context)
            return try SubmitCommand(path: path, catalogue: try AppCatalogue.local(), client: client).run(context)
        }
    }
}

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show batches: progress, rate, time left, active hosts.",
        discussion: """
            With --watch it goes on until the batch ends: exit code 0 when it is finished, 1 when it failed or was
            cancelled. Not on a terminal, --watch writes a line for each change.

            Example:
              millrace status 1 --watch
            """)

    @Argument(help: "A batch's number. Without it: all batches, or with --watch the newest.")
    var batch: UInt64?
    @Flag(name: .long, help: "Go on until the batch ends.")
    var watch = false
    @Option(name: .long, help: "Seconds between two questions with --watch, 0.1 to 3600.")
    var interval = 1.0
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try StatusCommand(client: try server.client(context), batch: batch, watch: watch, interval: interval).run(
                context)
        }
    }
}

struct Results: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download the answer of a finished batch and show its summary.",
        discussion: "A file with other content is not overwritten.\n\nExample:\n  millrace results 1 --out answer")

    @Argument(help: "A batch's number.")
    var batch: UInt64
    @Option(name: .long, help: "The folder for the files; results-BATCH by default.")
    var out: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try ResultsCommand(client: try server.client(context), batch: batch, out: out).run(context)
        }
    }
}

struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a batch: nothing more is sent, open tasks are aborted.",
        discussion: """
            What was validated keeps its credit. Exit code 1 when the batch has ended already.

            Example:
              millrace cancel 1
            """)

    @Argument(help: "A batch's number.")
    var batch: UInt64
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try CancelCommand(client: try server.client(context), batch: batch).run(context)
        }
    }
}
