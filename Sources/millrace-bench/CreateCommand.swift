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
        signalsIgnored()
        let site = try await ServedSite.start(
            folder: benchFolder(folder, "create"), hosts: 0, database: database,
            batch: BenchBatch(units: units, ready: runs * units + 1))
        defer { site.remove() }
        let control = try BenchControl(port: site.port, folder: site.folder)
        var (rates, costs) = ([Double](), [Double]())
        for _ in 0..<runs {
            let cpu = site.usage.cpuSeconds
            let seconds = try Self.made(units, control)
            rates.append(Double(units) / seconds)
            costs.append((site.usage.cpuSeconds - cpu) * 1e6 / Double(units))
            print("\(units) units: \(BenchTable.short(rates[rates.count - 1])) a second")
        }
        let rate = BenchTable.median(rates) ?? 0
        let cost = BenchTable.median(costs) ?? 0
        print(
            "units made: \(BenchTable.short(rate)) a second, \(BenchTable.short(rate / Self.target)) of the target;"
                + " \(BenchTable.short(cost)) us of the server's CPU a unit,"
                + " \(BenchTable.short(site.usage.peakMiB)) MiB at most; load average \(loadAverage())")
        try BenchFile.write(
            [
                "create": [
                    "units_per_second": rate, "cpu_us_per_unit": cost, "server_peak_mib": site.usage.peakMiB,
                    "share_of_target": rate / Self.target,
                ]
            ], to: json)
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
