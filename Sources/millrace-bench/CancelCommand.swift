import ArgumentParser
import Domain
import Glibc
import Measuring
import Synchronization
import Wire

/// `millrace-bench cancel`.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Watches and cancels a large batch while hosts go on calling.",
        discussion: """
            How long do calls wait meanwhile? Needs a directory of `fill`; its batch of waiting units is cancelled.

            Example:
              millrace-bench fill --folder /tmp/million --units 1000000 --finished 0
              millrace-bench cancel --data /tmp/million --rate 200
            """)

    @OptionGroup var shape: LoadShape

    @Option(name: .long, help: "Calls per second of the hosts, before and meanwhile.")
    var rate = 200.0

    @Option(name: .long, help: "Write the figures into this file as JSON, too.")
    var json: String?

    func validate() throws {
        guard shape.data != nil else { throw ValidationError("--data names a directory that `fill` made") }
        guard (1...100_000).contains(rate) else { throw ValidationError("--rate is 1 to 100000") }
    }

    func run() async throws {
        let loaded = try await LoadedSite(shape, name: "cancel")
        defer { loaded.end() }
        print(loaded.started)
        let status = try loaded.control.status(loaded.batch)
        print("batch \(loaded.batch): \(status.unitsTotal) units, \(status.unitsReady) wait")
        let watched = try loaded.measure(loaded.driver(shape, seconds: 2, rate: rate))
        print("before\n\(watched.text)")

        let cancelled = Mutex<(seconds: Double, total: UInt64, failure: String?)>((0, 0, nil))
        let (port, folder, batch) = (loaded.site.port, loaded.site.folder, loaded.batch)
        let canceller = ThreadGroup(1) { _ in
            usleep(500_000)
            let clock = ContinuousClock()
            let start = clock.now
            do {
                let status = try BenchControl(port: port, folder: folder).cancel(batch)
                cancelled.withLock { $0 = (start.duration(to: clock.now).inSeconds, status.unitsCancelled, nil) }
            } catch {
                cancelled.withLock { $0 = (start.duration(to: clock.now).inSeconds, 0, "\(error)") }
            }
        }
        let during = try loaded.measure(loaded.driver(shape, rate: rate))
        canceller.wait()
        let (seconds, total, failure) = cancelled.withLock { $0 }
        print("while it is cancelled\n\(during.text)")
        print("cancelled: \(total) units in \(BenchTable.short(seconds)) s" + (failure.map { ", failed: \($0)" } ?? ""))
        print("server at most \(BenchTable.short(loaded.site.usage.peakMiB)) MiB; load average \(loadAverage())")
        var values = during.values
        values["cancel_seconds"] = seconds
        values["units_cancelled"] = Double(total)
        values["server_peak_mib"] = loaded.site.usage.peakMiB
        try BenchFile.write(["before": watched.values, "cancelling": values], to: json)
        if failure != nil { throw ExitCode(1) }
    }
}
