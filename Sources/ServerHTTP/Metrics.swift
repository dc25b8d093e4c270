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

    struct Histogram {
        let bounds: [Double]
        var counts: [Int]
        var sum = 0.0
        var count = 0

        init(bounds: [Double]) {
            self.bounds = bounds
            counts = [Int](repeating: 0, count: bounds.count)
        }

        mutating func add(_ value: Double) {
            sum += value
            count += 1
            for at in bounds.indices where value <= bounds[at] { counts[at] += 1 }
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
    }

    private let state = Mutex(State())
    private static let bytesOfOneRequestMax = 1 << 33

    var snapshot: State { state.withLock { $0 } }

    func request(route: String, method: String, status: Int, seconds: Double, bytesIn: Int, bytesOut: Int) {
        state.withLock {
            $0.requests[RequestKey(route: route, method: method, status: status), default: 0] += 1
            let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
            $0.seconds[route, default: Histogram(bounds: bounds)].add(seconds)
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
