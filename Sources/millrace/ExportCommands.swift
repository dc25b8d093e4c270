import ArgumentParser
import Console
import Domain

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exports for other programs.",
        discussion: "Example:\n  millrace export credit --by day --from 2026-11-01 --out november.csv",
        subcommands: [CreditExport.self])
}

struct CreditExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit",
        abstract: "Final credit by volunteer, host, team, project or day, as CSV or JSON.",
        discussion: "Example:\n  millrace export credit --by team --format json")

    @Option(name: .long, help: "volunteer, host, team, project or day.")
    var by: CreditExportCommand.Key
    @Option(name: .long, help: "The first day, YYYY-MM-DD in UTC; all before it by default.")
    var from: String?
    @Option(name: .long, help: "The last day.")
    var to: String?
    @Option(name: .long, help: "csv or json.")
    var format: CreditExportCommand.Format?
    @Option(name: .long, help: "A file to write; standard output by default.")
    var out: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try CreditExportCommand(
                client: try server.client(context), key: by, from: from, to: to,
                format: format ?? (output.json ? .json : .csv), path: out
            ).run(context)
        }
    }
}

extension CreditExportCommand.Key: ExpressibleByArgument {}
extension CreditExportCommand.Format: ExpressibleByArgument {}
