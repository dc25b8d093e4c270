import ArgumentParser
import Domain
import Engine
import Glibc
import Measuring
import Synchronization

/// `millrace-bench herd`.
struct HerdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "herd", abstract: "All clients come back after an outage of the server: how is it absorbed?",
        discussion: """
            The server is killed. Its clients fall due one after the other, find nobody, and wait as Millrace's client \
            does: exponentially longer, with jitter, longer when the server asks for it. Then the server comes back. \
            Each client opens a connection of its own for each try, as `millrace-client` does.

            Example: millrace-bench herd --clients 20000 --outage 10
            """)

    @Option(name: .long, help: "How many clients.")
    var clients = 20_000

    @Option(name: .long, help: "How long the server is away, in seconds; all clients fall due in this time.")
    var outage = 10.0

    @Option(name: .long, help: "Connections that are open at once, at most.")
    var connections = 1000

    @Option(name: .long, help: "When to give up, in seconds.")
    var limit = 180.0

    @Option(name: .long, help: "Where the server's data lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "Write the figures into this file as JSON, too.")
    var json: String?

    func validate() throws {
        guard (1...100_000).contains(clients), (0.1...120).contains(outage), (1...4000).contains(connections),
            (1...600).contains(limit)
        else { throw ValidationError("a number is out of its range") }
    }

    func run() async throws {
        signalsIgnored()
        let path = benchFolder(folder, "herd")
        var site = try await ServedSite.start(folder: path, hosts: clients)
        defer { site.remove() }
        let control = try BenchControl(port: site.port, folder: path)
        let batch = try control.submit(quorum: 1)
        try control.wait(batch, ready: 4000)
        let port = site.port
        site.kill()
        let herd = Herd(port: port, clients: clients, threads: min(connections, clients), spread: outage, limit: limit)
        usleep(useconds_t(outage * 1e6))
        site = try await ServedSite.start(folder: path, hosts: 0, port: port)
        herd.serverIsBack()
        let found = herd.wait()
        let usage = site.usage
        print(found.text)
        print(
            "server: \(BenchTable.short(usage.cpuSeconds)) s of CPU, \(BenchTable.short(usage.peakMiB)) MiB at most;"
                + " load average \(loadAverage())")
        var values = found.values
        values["server_peak_mib"] = usage.peakMiB
        values["server_cpu_seconds"] = usage.cpuSeconds
        try BenchFile.write(["herd": values], to: json)
        if found.served < clients { throw ExitCode(1) }
    }
}

/// Clients that want to be served once, each on its own schedule.
final class Herd: Sendable {
    struct Found: Sendable {
        var clients = 0
        var served = 0
        var tries = 0
        /// Nobody listened, or the connection broke.
        var refused = 0
        /// 429 or 503.
        var deferred = 0
        /// Any other answer.
        var failed: [String] = []
        /// Of the calls that were served, each from its connection on.
        var histogram = LatencyHistogram()
        /// After the server was back, in seconds: when each was served.
        var absorbed = LatencyHistogram()

        var text: String {
            func seconds(_ share: Double) -> String { BenchTable.short(Double(absorbed.quantile(share)) / 1e6) }
            let failures = failed.isEmpty ? "" : "; other answers: \(failed.count), for example \(failed[0])"
            return
                "served: \(served) of \(clients) clients with \(tries) tries; nobody there: \(refused), asked to wait:"
                + " \(deferred)\(failures)\nafter the server was back: half were served in \(seconds(0.5)) s, 99 % in"
                + " \(seconds(0.99)) s, all in \(seconds(1)) s; calls p50"
                + " \(BenchTable.short(Double(histogram.quantile(0.5)) / 1000)), p99"
                + " \(BenchTable.short(Double(histogram.quantile(0.99)) / 1000)) ms"
        }

        var values: [String: Double] {
            [
                "clients": Double(clients), "served": Double(served), "tries": Double(tries),
                "refused": Double(refused), "asked_to_wait": Double(deferred), "other": Double(failed.count),
                "half_served_seconds": Double(absorbed.quantile(0.5)) / 1e6,
                "all_served_seconds": Double(absorbed.quantile(1)) / 1e6,
                "p99_ms": Double(histogram.quantile(0.99)) / 1000,
            ]
        }

        fileprivate mutating func add(_ other: Found) {
            served += other.served
            tries += other.tries
            refused += other.refused
            deferred += other.deferred
            failed += other.failed
            histogram.add(other.histogram)
            absorbed.add(other.absorbed)
        }
    }

    private let found: Mutex<Found>
    private let back = Mutex<ContinuousClock.Instant?>(nil)
    private let threads: Mutex<ThreadGroup?> = Mutex(nil)

    init(port: Int, clients: Int, threads count: Int, spread: Double, limit: Double) {
        var empty = Found()
        empty.clients = clients
        found = Mutex(empty)
        let start = ContinuousClock().now
        let group = ThreadGroup(count) { [self] number in
            var mine = Found()
            var waiting = stride(from: number, to: clients, by: count).map { client in
                Waiting(client: client, due: start + .seconds(spread * Double(client) / Double(clients)))
            }
            while let next = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) {
                guard waiting[next].due < start + .seconds(limit) else { break }
                let left = ContinuousClock().now.duration(to: waiting[next].due).inSeconds
                if left > 0 { usleep(useconds_t(left * 1e6)) }
                if attempt(&waiting[next], port, &mine) { waiting.remove(at: next) }
            }
            found.withLock { $0.add(mine) }
        }
        threads.withLock { $0 = group }
    }

    func serverIsBack() { back.withLock { $0 = ContinuousClock().now } }

    func wait() -> Found {
        threads.withLock { $0 }?.wait()
        return found.withLock { $0 }
    }

    private struct Waiting {
        var client: Int
        var due: ContinuousClock.Instant
        var failures = 0
    }

    /// - Returns: whether it was served.
    private func attempt(_ waiting: inout Waiting, _ port: Int, _ found: inout Found) -> Bool {
        let clock = ContinuousClock()
        let start = clock.now
        found.tries += 1
        var wish: Double?
        do {
            let connection = try BenchConnection(port: port)
            do {
                _ = try LoadHost(known: waiting.client).call(connection, want: 1)
                found.served += 1
                let end = clock.now
                found.histogram.note(UInt64(start.duration(to: end).inSeconds * 1e6))
                let since = back.withLock { $0 }?.duration(to: end).inSeconds ?? 0
                found.absorbed.note(UInt64(max(0, since) * 1e6))
                return true
            } catch {
                wish = connection.retryAfter
                switch connection.status {
                case 429, 503: found.deferred += 1
                case 0: found.refused += 1
                default: found.failed.append("\(error)")
                }
            }
        } catch {
            found.refused += 1
        }
        waiting.failures += 1
        let delay = BackOff().delaySeconds(
            failures: waiting.failures, random: Double.random(in: 0..<1), retryAfterSeconds: wish)
        waiting.due = clock.now + .seconds(delay)
        return false
    }
}
