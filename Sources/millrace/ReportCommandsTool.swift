import ArgumentParser
import Console
import Domain

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reports for admins: credit, validation, trust and disagreements.",
        discussion: "Example:\n  millrace report validation --batch 1 --disagreed",
        subcommands: [CreditReport.self, ValidationReport.self, TrustReport.self, DisagreementReport.self])
}

/// What the reports take: they are tables, too.
struct ReportOptions: ParsableArguments {
    @OptionGroup var output: OutputOptions
    @Flag(name: .long, help: "The report's table as CSV (RFC 4180), for spreadsheets.")
    var csv = false

    func validate() throws {
        if csv && output.json { throw ValidationError("--csv and --json exclude each other") }
    }

    /// Runs the command and ends the process with its exit code.
    func finish(_ command: (CommandContext) throws(Fault) -> Int32) throws -> Never {
        var context = output.context
        context.asCSV = csv
        throw ExitCode(context.run(command))
    }
}

struct CreditReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit",
        abstract: "What each host has earned, and whether the books balance.",
        discussion: "Exit code 1 when they do not.\n\nExample:\n  millrace report credit --json")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ReportOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try CreditReportCommand(client: try server.client(context)).run(context)
        }
    }
}

struct ValidationReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validation",
        abstract: "Per work unit: who agreed, who did not, where it differed first, by how much, what was allowed.",
        discussion: "Example:\n  millrace report validation --batch 1 --disagreed")

    @Option(name: .long, help: "A batch's number; the newest by default.")
    var batch: UInt64?
    @Option(name: .long, help: "Only this unit, from 0.")
    var unit: UInt64?
    @Flag(name: .long, help: "Only units in which a result was refused.")
    var disagreed = false
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ReportOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            let client = try server.client(context)
            return try ValidationReportCommand(client: client, batch: batch, unit: unit, disagreed: disagreed)
                .run(context)
        }
    }
}

struct TrustReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Per host and app, by evidence: whether single results may stand, and which checked results say so.",
        discussion: "Example:\n  millrace report trust 3")

    @Argument(help: "A host's number; all hosts by default.")
    var host: UInt64?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ReportOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try TrustReportCommand(client: try server.client(context), host: host).run(context)
        }
    }
}

struct DisagreementReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disagreements",
        abstract: "Who disagreed with whom, where, by how much, on which hardware; suspected cliques.",
        discussion: """
            Examples:
              millrace report disagreements --batch 1
              millrace report disagreements --hosts --csv > hosts.csv
              millrace report disagreements --graph | dot -Tsvg > graph.svg
            """)

    @Option(name: .long, help: "A batch's number; all batches by default.")
    var batch: UInt64?
    @Option(name: .long, help: "Only what concerns this host.")
    var host: UInt64?
    @Option(name: .long, help: "At most so many disagreements are listed, up to 10000.")
    var rows: UInt32 = 1000
    @Flag(name: .long, help: "Only the hosts, in the order of evidence.")
    var hosts = false
    @Flag(name: .long, help: "Only the agreement graph: DOT for Graphviz, or JSON, or its edges as CSV.")
    var graph = false
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ReportOptions

    func validate() throws {
        if hosts && graph { throw ValidationError("--hosts and --graph exclude each other") }
    }

    func run() throws {
        try output.finish { (context) throws(Fault) in
            let part: DisagreementReportCommand.Part = hosts ? .hosts : graph ? .graph : .all
            return try DisagreementReportCommand(
                client: try server.client(context), batch: batch, host: host, rows: rows, part: part
            ).run(context)
        }
    }
}
