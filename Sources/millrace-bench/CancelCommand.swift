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
            The request is answered at once, and the units are ended by and by: how long do calls wait meanwhile? \
            Needs a directory of `fill`; its batch of waiting units is cancelled.

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

        let cancelled = Mutex<Cancelling>(Cancelling())
        let (port, folder, batch) = (loaded.site.port, loaded.site.folder, loaded.batch)
        let canceller = ThreadGroup(1) { _ in
            usleep(500_000)
            let clock = ContinuousClock()
            let start = clock.now
            do {
                let control = try BenchControl(port: port, folder: folder)
                var status = try control.cancel(batch)
                let reply = start.duration(to: clock.now).inSeconds
                while Self.open(status) > 0, start.duration(to: clock.now) < .seconds(1800) {
                    usleep(100_000)
                    status = try control.status(batch)
                }
                let end = start.duration(to: clock.now).inSeconds
                cancelled.withLock {
                    $0 = Cancelling(
                        reply: reply, end: end, open: Self.open(status), ended: status.unitsCancelled, failure: nil)
                }
            } catch {
                cancelled.withLock { $0.failure = "\(error)" }
            }
        }
        let during = try loaded.measure(loaded.driver(shape, rate: rate))
        canceller.wait()
        let outcome = cancelled.withLock { $0 }
        print("while it is cancelled\n\(during.text)")
        print(outcome.text)
        print("server at most \(BenchTable.short(loaded.site.usage.peakMiB)) MiB; load average \(loadAverage())")
        var values = during.values
        values["cancel_reply_seconds"] = outcome.reply
        values["cancel_seconds"] = outcome.end
        values["units_cancelled"] = Double(outcome.ended)
        values["server_peak_mib"] = loaded.site.usage.peakMiB
        try BenchFile.write(["before": watched.values, "cancelling": values], to: json)
        if outcome.failure != nil || outcome.open > 0 { throw ExitCode(1) }
    }
    private static func open(_ status: WireBatchStatus) -> UInt64 {
        status.unitsReady + status.unitsActive + status.unitsComparing + status.unitsProvisional
    }
}

/// How it went; times in seconds since the request.
private struct Cancelling: Sendable {
    var reply = 0.0
    var end = 0.0
    /// Units that had not ended when it was given up, and such as were cancelled.
    var open: UInt64 = 0
    var ended: UInt64 = 0
    var failure: String?

    var text: String {
        if let failure { return "cancelling failed: \(failure)" }
        let times = "answered after \(BenchTable.short(reply)) s, all ended after \(BenchTable.short(end)) s"
        return "cancelled \(ended) units: \(times)" + (open > 0 ? "; \(open) are still open" : "")
    }
}
