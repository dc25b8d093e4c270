import ArgumentParser
import Domain
import Glibc
import Measuring

/// `millrace-bench drive`.
struct DriveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drive", abstract: "Simulated hosts on real sockets: closed or open loop, sizes, blobs, cheats.",
        discussion: """
            The server runs in a process of its own, on SQLite and files; all replies are durable.

            Closed loop: every connection calls again as soon as it was answered. Open loop (--rate, --half): calls \
            are due at a constant rate and latencies count from then: a server that stalls cannot hide it.

            Examples:
              millrace-bench drive --mix 1:9,8:1 --quorum 2 --cheats 0.05 --seconds 10
              millrace-bench drive --half --json drive.json
              millrace-bench drive --blobs --result-bytes 1024 --quorum 2
            """)

    @OptionGroup var shape: LoadShape

    @Option(name: .long, help: "Calls per second (open loop).")
    var rate: Double?

    @Flag(name: .long, help: "Closed loop first; then open loop at half of its rate.")
    var half = false

    @Option(name: .long, help: "Write the figures into this file as JSON, too.")
    var json: String?

    func validate() throws {
        guard rate.map({ (1...1_000_000).contains($0) && !half }) ?? true else {
            throw ValidationError("--rate is a number from 1 to 1000000, without --half")
        }
    }

    func run() async throws {
        let loaded = try await LoadedSite(shape)
        defer { loaded.end() }
        print(loaded.started)
        try loaded.warmUp(shape)
        var all: [String: [String: Double]] = [:]
        func measure(_ name: String, rate: Double?) throws -> Measured {
            let measured = try loaded.measure(loaded.driver(shape, rate: rate))
            print("\(name)\n\(measured.text)")
            all[name] = measured.values
            return measured
        }
        if let rate {
            _ = try measure("open loop", rate: rate)
        } else {
            let closed = try measure("closed loop", rate: nil)
            if half { _ = try measure("open loop at half", rate: max(1, closed.outcome.callsPerSecond / 2)) }
        }
        print("load average \(loadAverage())")
        try BenchFile.write(all, to: json)
        guard all.values.allSatisfy({ $0["failures"] == 0 }) else { throw ExitCode(1) }
    }
}
