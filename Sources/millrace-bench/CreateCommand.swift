import ArgumentParser
import Domain
import Glibc
import Measuring
import Wire

/// `millrace-bench create`.
struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Work units made per second: a batch is submitted, split, packed, signed and written, nothing else.",
        discussion: """
            The real server on SQLite and files; a splitter that only counts. Until every unit may be given out.

            Example:
              millrace-bench create --units 200000
            """)

    @Option(name: .long, help: "Work units of the batch.")
    var units = 100_000

    @Option(name: .long, help: "Batches, one after the other; the middle one counts.")
    var runs = 3

    @Option(name: .long, help: "Where the server's data lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "A PostgreSQL database with an empty schema, in place of SQLite.")
    var database: String?

    @Option(name: .long, help: "Write the figures into this file as JSON, too.")
    var json: String?

    static let target = 30_000.0

    func validate() throws {
        guard (1000...NoOp.unitsMax).contains(units), (1...100).contains(runs) else {
            throw ValidationError("a number is out of its range")
        }
    }

    func run() async throws {
        let made = try await Self.measure(units: units, runs: runs, folder: folder, database: database)
        let rate = BenchTable.median(made.rates) ?? 0
        for rate in made.rates { print("\(units) units: \(BenchTable.short(rate)) a second") }
        print(
            "units made: \(BenchTable.short(rate)) a second, \(BenchTable.short(rate / Self.target)) of the target;"
                + " \(made.told); load average \(loadAverage())")
        try BenchFile.write(
            [
                "create": [
                    "units_per_second": rate, "cpu_us_per_unit": BenchTable.median(made.costs) ?? 0,
                    "server_peak_mib": made.peakMiB, "share_of_target": rate / Self.target,
                ]
            ], to: json)
    }

    /// What batches took, one after the other on one server.
    struct Made {
        /// Units a second.
        var rates: [Double] = []
        /// Microseconds of the server's CPU a unit.
        var costs: [Double] = []
        var peakMiB = 0.0

        var told: String {
            let cost = BenchTable.median(costs).map { BenchTable.short($0) } ?? "-"
            return "\(cost) us of the server's CPU a unit, \(BenchTable.short(peakMiB)) MiB at most"
        }
    }

    static func measure(units: Int, runs: Int, folder: String, database: String? = nil) async throws -> Made {
        signalsIgnored()
        let site = try await ServedSite.start(
            folder: benchFolder(folder, "create"), hosts: 0, database: database,
            batch: BenchBatch(units: units, ready: runs * units + 1))
        defer { site.remove() }
        let control = try BenchControl(port: site.port, folder: site.folder)
        var all = Made()
        for _ in 0..<runs {
            let cpu = site.usage.cpuSeconds
            all.rates.append(Double(units) / (try made(units, control)))
            all.costs.append((site.usage.cpuSeconds - cpu) * 1e6 / Double(units))
        }
        all.peakMiB = site.usage.peakMiB
        return all
    }

    /// Submits a batch. - Returns: seconds until all of its units wait for hosts.
    private static func made(_ units: Int, _ control: BenchControl) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        let batch = try control.submit(quorum: 1)
        while true {
            let status = try control.status(batch)
            if status.splitFinished, status.unitsReady == UInt64(units) { break }
            guard start.duration(to: clock.now) < .seconds(600) else {
                throw Fault(.software, "batch \(batch) was not split in time: \(status.unitsTotal) units")
            }
            usleep(20_000)
        }
        return start.duration(to: clock.now).inSeconds
    }
}
