import ArgumentParser
import Console
import Domain

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reports for admins: credit, validation and trust.",
        discussion: "Example:\n  millrace report validation --batch 1 --disagreed",
        subcommands: [CreditReport.self, ValidationReport.self, TrustReport.self])
}

struct CreditReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit",
        abstract: "What each host has earned, and whether the books balance.",
        discussion: "Exit code 1 when they do not.\n\nExample:\n  millrace report credit --json")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

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
    @OptionGroup var output: OutputOptions

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
        abstract: "Per host and app: whether single results may stand, and which checked results say so.",
        discussion: "Example:\n  millrace report trust 3")

    @Argument(help: "A host's number; all hosts by default.")
    var host: UInt64?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try TrustReportCommand(client: try server.client(context), host: host).run(context)
        }
    }
}
