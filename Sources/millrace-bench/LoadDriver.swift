import Domain
import Glibc
import Measuring
import Synchronization
import WorkerHost

/// Hosts that call a server over a number of connections, each connection on a thread of its own.
struct LoadDriver: Sendable {
    var port: Int
    var hosts: [LoadHost]
    var connections: Int
    var mix: WeightedMix
    var seconds: Double
    /// Calls per second, due whatever becomes of those before; nil: every connection calls again at once.
    var rate: Double?

    func run() -> LoadOutcome {
        let arrivals = rate.map { Arrivals(rate: $0, seconds: seconds) }
        let next = Mutex(0)
        let all = Mutex(LoadOutcome())
        let clock = ContinuousClock()
        let start = clock.now
        let threads = ThreadGroup(connections) { number in
            var mine = LoadOutcome()
            do {
                let own = hosts.enumerated().filter { $0.offset % connections == number }.map(\.element)
                let connection = try BenchConnection(port: port)
                defer { mine.bytes = connection.bytes }
                var at = number
                while true {
                    var due = clock.now
                    if let arrivals {
                        let call = next.withLock { next in
                            defer { next += 1 }
                            return next
                        }
                        guard call < arrivals.count else { break }
                        due = start + .nanoseconds(Int64(arrivals.due(call)))
                        Self.sleep(until: due, clock)
                        // A server that falls far behind has failed the rate; the rest counts as waiting until now.
                        if clock.now > start + .seconds(3 * seconds + 2) {
                            mine.note(0, due.duration(to: clock.now))
                            mine.missed += 1
                            continue
                        }
                    } else if due >= start + .seconds(seconds) {
                        break
                    }
                    let host = own[at % own.count]
                    try host.upload(connection)
                    mine.note(try host.call(connection, want: mix[at]), due.duration(to: clock.now))
                    at += 1
                }
            } catch {
                mine.failures.append("\(error)")
            }
            all.withLock { $0.add(mine) }
        }
        threads.wait()
        var outcome = all.withLock { $0 }
        outcome.seconds = start.duration(to: clock.now).inSeconds
        return outcome
    }

    private static func sleep(until due: ContinuousClock.Instant, _ clock: ContinuousClock) {
        let left = clock.now.duration(to: due).inSeconds
        if left > 0 { usleep(useconds_t(left * 1e6)) }
    }
}

/// What the hosts saw.
struct LoadOutcome: Sendable {
    private(set) var histogram = LatencyHistogram()
    private(set) var tasks = 0
    var bytes = 0
    /// Calls that could not be made because the server was too far behind.
    var missed = 0
    var failures: [String] = []
    var seconds = 0.0

    var calls: Int { Int(histogram.total) - missed }
    var callsPerSecond: Double { Double(calls) / max(seconds, 1e-9) }
    var tasksPerSecond: Double { Double(tasks) / max(seconds, 1e-9) }

    mutating func note(_ reported: Int, _ time: Duration) {
        histogram.note(UInt64(max(0, time.inSeconds * 1e6)))
        tasks += reported
    }

    mutating func add(_ other: LoadOutcome) {
        histogram.add(other.histogram)
        tasks += other.tasks
        bytes += other.bytes
        missed += other.missed
        failures += other.failures
    }

    func milliseconds(_ share: Double) -> Double { Double(histogram.quantile(share)) / 1000 }

    var latencies: String {
        let shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)]
        return shares.map { "\($0.0) \(BenchTable.short(milliseconds($0.1)))" }.joined(separator: ", ")
            + ", longest \(BenchTable.short(Double(histogram.longest) / 1000)) ms"
    }
}

/// A number of threads that end together.
final class ThreadGroup: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        left = Atomic(count)
        for number in 0..<count {
            BlockingThread.start("bench-\(number)") { [self] in
                body(number)
                left.subtract(1, ordering: .releasing)
            }
        }
    }

    func wait() { while left.load(ordering: .acquiring) > 0 { usleep(2000) } }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
