import ArgumentParser
import Domain

@main
struct BenchTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-bench",
        abstract: "Measures the server: what a scheduler call costs, and how many it answers.",
        subcommands: [
            CoreCommand.self, CallsCommand.self, DriveCommand.self, CrowdCommand.self, HerdCommand.self,
            TableCommand.self, FillCommand.self, CancelCommand.self, CreateCommand.self, CodecCommand.self,
            LoadCommand.self, ServeCommand.self,
        ])
}

/// `millrace-bench core`.
struct CoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core",
        abstract: "Scheduler calls of the core on a store, without HTTP, in groups that are durable together.",
        discussion: """
            A batch of no-op units, computed by hosts that report what they hold and ask for as much again; the
            validator runs beside, and results are compared by their hashes.

            Example:
              millrace-bench core --units 100000 --calls 20000
            """)

    @Option(name: .long, help: "The store: sqlite (a file in --folder, durable) or memory.")
    var store = "sqlite"

    @Option(name: .long, help: "Where the database lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "A PostgreSQL database with an empty schema, in place of --store.")
    var database: String?

    @Option(name: .long, help: "Work units of the batch.")
    var units = 100_000

    @Option(name: .long, help: "Hosts, each of a volunteer of its own.")
    var hosts = 1000

    @Option(name: .long, help: "Calls to measure.")
    var calls = 20_000

    @Option(name: .long, help: "Tasks that a call reports and asks for.")
    var tasks = 1

    @Option(name: .long, help: "Results that must agree.")
    var quorum = 1

    @Option(name: .long, help: "Calls that are made durable together; at most one of each host.")
    var group = 64

    @Flag(name: .long, help: "All units are in the store before the first call.")
    var splitAtOnce = false

    func validate() throws {
        guard ["sqlite", "memory"].contains(store) else { throw ValidationError("--store is sqlite or memory") }
        guard (1...10_000_000).contains(units), (1...100_000).contains(hosts), (1...10_000_000).contains(calls),
            (1...64).contains(tasks), (1...4).contains(quorum), (1...4096).contains(group)
        else { throw ValidationError("a number is out of its range") }
    }

    func run() throws {
        let bench = CoreBench(
            units: units, hosts: hosts, calls: calls, tasks: tasks, quorum: quorum, group: min(group, hosts),
            isSplitAtOnce: splitAtOnce)
        print(try bench.run(isDurable: store == "sqlite", folder: folder, database: database).text)
    }
}
