import Domain
import Glibc
import Measuring
import Synchronization
import WorkerHost

/// Hosts that call a server over a number of connections, each connection on a thread of its own.
struct LoadDriver: Sendable {
    /// Of the servers; connections are spread over them.
    var ports: [Int]
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
            let mine = calls(of: number, from: start) {
                guard let arrivals else {
                    let now = clock.now
                    return now < start + .seconds(seconds) ? now : nil
                }
                let call = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                guard call < arrivals.count else { return nil }
                let due = start + .nanoseconds(Int64(arrivals.due(call)))
                Self.sleep(until: due, clock)
                return due
            }
            all.withLock { $0.add(mine) }
        }
        threads.wait()
        var outcome = all.withLock { $0 }
        outcome.seconds = start.duration(to: clock.now).inSeconds
        return outcome
    }

    /// The calls of one thread. One that fails is counted, with the time until then, and the next one is made on a new
    /// connection: a server that breaks connections off must not look as if it had been asked less.
    /// - Parameter nextDue: waits for the next call's time; nil: there is none.
    private func calls(
        of number: Int, from start: ContinuousClock.Instant, nextDue: () -> ContinuousClock.Instant?
    ) -> LoadOutcome {
        let clock = ContinuousClock()
        var mine = LoadOutcome()
        let own = hosts.enumerated().filter { $0.offset % connections == number }.map(\.element)
        var connection: BenchConnection?
        var at = number
        while let due = nextDue() {
            // A server that falls far behind has failed the rate; the rest counts as waiting until now.
            if rate != nil, clock.now > start + .seconds(3 * seconds + 2) {
                mine.miss(due.duration(to: clock.now))
                continue
            }
            do {
                let open = try connection ?? BenchConnection(port: ports[number % ports.count])
                connection = open
                let host = own[at % own.count]
                try host.upload(open)
                mine.note(try host.call(open, want: mix[at]), due.duration(to: clock.now))
            } catch {
                mine.fail("\(error)", due.duration(to: clock.now))
                mine.bytes += connection?.bytes ?? 0
                connection = nil
                // Where nobody listens, a loop without a pause would only measure itself.
                usleep(10_000)
            }
            at += 1
        }
        mine.bytes += connection?.bytes ?? 0
        return mine
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
    private(set) var missed = 0
    /// Calls that were refused, or not answered.
    private(set) var failed = 0
    /// Why, of the first ones.
    private(set) var failures: [String] = []
    var seconds = 0.0

    /// That were answered.
    var calls: Int { Int(histogram.total) - missed - failed }
    var callsPerSecond: Double { Double(calls) / max(seconds, 1e-9) }
    var tasksPerSecond: Double { Double(tasks) / max(seconds, 1e-9) }

    mutating func note(_ reported: Int, _ time: Duration) {
        histogram.note(UInt64(max(0, time.inSeconds * 1e6)))
        tasks += reported
    }

    mutating func miss(_ time: Duration) {
        note(0, time)
        missed += 1
    }

    mutating func fail(_ reason: String, _ time: Duration) {
        note(0, time)
        failed += 1
        if failures.count < 3 { failures.append(reason) }
    }

    /// Why its latencies say nothing about a server that answers; nil: every call was made and answered.
    var trouble: String? {
        let parts = [
            failed > 0 ? "calls that failed: \(failed), for example: \(failures.first ?? "")" : nil,
            missed > 0 ? "calls that were never made, so far was the server behind: \(missed)" : nil,
        ]
        return failed + missed > 0 ? parts.compactMap(\.self).joined(separator: "; ") : nil
    }

    mutating func add(_ other: LoadOutcome) {
        histogram.add(other.histogram)
        tasks += other.tasks
        bytes += other.bytes
        missed += other.missed
        failed += other.failed
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
