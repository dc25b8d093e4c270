import Domain
import Synchronization

/// What the server counts about itself. Cheap to add to from any thread; `MetricsText` writes it down.
final class Metrics: Sendable {
    struct RequestKey: Hashable, Comparable {
        var route: String
        var method: String
        var status: Int

        static func < (a: RequestKey, b: RequestKey) -> Bool {
            (a.route, a.method, a.status) < (b.route, b.method, b.status)
        }
    }

    struct State {
        var requests: [RequestKey: Int] = [:]
        var seconds: [String: Histogram] = [:]
        var groups = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256])
        var brokenGroups = 0
        var bytesIn = 0
        var bytesOut = 0
        var jobs: [String: Int] = [:]
        var jobFailures = 0
        var workerCPUSeconds = 0.0
        var awaitingValidation = 0
        var validationLagSeconds = 0.0
        var tasksExpired = 0
        var lastStoreError: String?
        var refusals: [String: Int] = [:]
    }

    private let state = Mutex(State())
    /// Apart from the rest: they are touched for every call.
    private let stages = Mutex([Histogram](repeating: .seconds, count: Stage.allCases.count))
    private static let bytesOfOneRequestMax = 1 << 33

    var snapshot: State { state.withLock { $0 } }
    /// By the order of `Stage.allCases`.
    var stageTimes: [Histogram] { stages.withLock { $0 } }

    func stage(_ stage: Stage, _ seconds: Double) { stages.withLock { $0[stage.rawValue].add(seconds) } }

    /// Times what a body does.
    func timed<T>(_ stage: Stage, _ body: () throws -> T) rethrows -> T {
        let start = ContinuousClock.now
        defer { self.stage(stage, start.duration(to: .now).inSeconds) }
        return try body()
    }

    /// - Parameters:
    ///   - waits: seconds that each of the group's closures has waited.
    ///   - transaction, commit: seconds of the group.
    func group(waits: [Double], transaction: Double, commit: Double) {
        stages.withLock { stages in
            for wait in waits { stages[Stage.queue.rawValue].add(wait) }
            stages[Stage.transaction.rawValue].add(transaction)
            stages[Stage.commit.rawValue].add(commit)
        }
    }

    /// Somebody was turned away. - Parameter reason: one of a few words of ours, never what came from outside.
    func refused(_ reason: String) { state.withLock { $0.refusals[reason, default: 0] += 1 } }

    func request(route: String, method: String, status: Int, seconds: Double, bytesIn: Int, bytesOut: Int) {
        state.withLock {
            $0.requests[RequestKey(route: route, method: method, status: status), default: 0] += 1
            $0.seconds[route, default: .seconds].add(seconds)
            // What came in is what the other side announced: any number.
            $0.bytesIn &+= min(max(bytesIn, 0), Metrics.bytesOfOneRequestMax)
            $0.bytesOut &+= min(max(bytesOut, 0), Metrics.bytesOfOneRequestMax)
        }
    }

    func committed(groupSize: Int, failed: Bool) {
        state.withLock {
            if failed { $0.brokenGroups += 1 } else { $0.groups.add(Double(groupSize)) }
        }
    }

    func job(kind: String, cpuSeconds: Double, failed: Bool) {
        state.withLock {
            $0.jobs[kind, default: 0] += 1
            $0.workerCPUSeconds += cpuSeconds
            if failed { $0.jobFailures += 1 }
        }
    }

    func ticked(awaiting: Int, lagSeconds: Double, expired: Int) {
        state.withLock {
            $0.awaitingValidation = awaiting
            $0.validationLagSeconds = lagSeconds
            $0.tasksExpired += expired
        }
    }

    /// - Parameter error: nil when the store answers again.
    func store(error: String?) {
        state.withLock { $0.lastStoreError = error }
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
