import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import Measuring
import WorkerHost

/// `millrace-bench table`.
struct TableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Every figure of the server beside its target, peers in the same run.",
        discussion: """
            Medians of short runs; load and server share the machine. `make bench-server` installs what the peers need \
            and calls this; without them their rows are empty.

            Example: millrace-bench table --nginx /usr/sbin/nginx --python .build/peers/bin/python --json table.json
            """)

    @Option(name: .long, help: "Runs of each figure.")
    var runs = 5

    @Option(name: .long, help: "Seconds of each run.")
    var seconds = 2.0

    @Option(name: .long, help: "Hosts.")
    var hosts = 1000

    @Option(name: .long, help: "Connections, each kept open.")
    var connections = 64

    @Option(name: .long, help: "Where data of servers lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "A PostgreSQL database with an empty schema, for the row of two processes.")
    var database: String?

    @Option(name: .long, help: "The program nginx.")
    var nginx: String?

    @Option(name: .long, help: "A Python that has Ray and Dask.")
    var python: String?

    @Option(name: .long, help: "The folder of the scripts for Ray and Dask.")
    var peers = "Benchmarks/peers"

    @Option(name: .long, help: "Idle connections of the crowd.")
    var idle = 10_000

    @Option(name: .long, help: "Write the table into this file as JSON, too.")
    var json: String?

    func validate() throws {
        guard (1...100).contains(runs), (0.1...60).contains(seconds), (1...1000).contains(connections),
            (connections...20_000).contains(hosts), (0...60_000).contains(idle)
        else { throw ValidationError("a number is out of its range") }
    }

    func run() async throws {
        let before = loadAverage()
        var maker = TableMaker(options: self)
        try await maker.measureServer()
        try await maker.measureCreation()
        try await maker.measureHalf()
        try await maker.measurePostgres()
        try await maker.measureNginx()
        await maker.measureScripts()
        try await maker.measureCrowd()
        let table = BenchTable(
            conditions: [
                "load average before": before, "load average after": loadAverage(),
                "cores": "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))", "runs": "\(runs) of \(seconds) s each",
                "hosts": "\(hosts) over \(connections) connections",
            ], rows: maker.rows)
        print(table.text, terminator: "")
        if let json { try Files.replace(json, with: try table.json()) }
    }

    func shape(_ arguments: [String]) throws -> LoadShape {
        try LoadShape.parse(
            ["--hosts", "\(hosts)", "--connections", "\(connections)", "--folder", folder, "--seconds", "\(seconds)"]
                + arguments)
    }
}
