import ArgumentParser
import Console
import Domain

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a project's folder with a commented project.yaml.",
        discussion: "Nothing is overwritten.\n\nExample:\n  millrace init my-search --app gamma-pulsar")

    @Argument(help: "The folder; made when it is not there.")
    var folder = "."
    @Option(name: .long, help: "The app; `millrace apps` lists them. Needed when there are several.")
    var app: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try InitCommand(folder: folder, app: app, catalogue: try AppCatalogue.local()).run(context)
        }
    }
}

struct Lint: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report every fault of a project at once, with line and column.",
        discussion: """
            Looks at project.yaml and at the input files. Exit code 1 when there are faults.

            Example:
              millrace lint projects/gamma-pulsar
            """)

    @Argument(help: "A project's folder or its project.yaml.")
    var path = "."
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try LintCommand(path: path, catalogue: try AppCatalogue.local()).run(context)
        }
    }
}

struct DryRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one work unit here, exactly as a volunteer would, and check its result.",
        discussion: """
            Packs the inputs, splits, signs the unit with a key made for this run, runs it in a private folder under
            its limits, checks the result as the server would, and compares time, memory and output with the bounds.
            Exit code 1 when the result would not be accepted.

            Example:
              millrace dry-run projects/gamma-pulsar --unit 25
            """)

    @Argument(help: "A project's folder or its project.yaml.")
    var path = "."
    @Option(name: .long, help: "Which unit, from 0.")
    var unit = 0
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try DryRunCommand(path: path, unit: unit, executable: try AppCatalogue.workerPath()).run(context)
        }
    }
}

struct Apps: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the apps, or one app's parameters and inputs.",
        discussion: "Example:\n  millrace apps gamma-pulsar")

    @Argument(help: "An app.")
    var name: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try AppsCommand(name: name, catalogue: try AppCatalogue.local()).run(context)
        }
    }
}
