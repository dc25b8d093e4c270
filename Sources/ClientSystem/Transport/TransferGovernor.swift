import CPosix
import Domain
import Glibc
import Synchronization

/// Holds the transfers of a client to what its owner allows: rates, bytes of a day, and whether the network may be used
/// at all. Shared by all of its transports and threads.
///
/// A rate is kept by lanes: one exchange at a time fetches, one sends, with three quarters of the rate; calls to a
/// scheduler, one at a time, have the last quarter, so that no long transfer keeps a report from its deadline. What
/// went faster than its rate makes the next one in its lane wait, so that many small ones keep to it, too. A new
/// rate holds from the next exchange on; closing ends what is being fetched or sent, but for calls.
package final class TransferGovernor: Sendable {
    package struct Limits: Hashable, Sendable {
        /// nil: no limit.
        package var downBytesPerSecond: Int64?
        package var upBytesPerSecond: Int64?
        package var bytesPerDay: Int64?

        package init(
            downBytesPerSecond: Int64? = nil, upBytesPerSecond: Int64? = nil, bytesPerDay: Int64? = nil
        ) {
            self.downBytesPerSecond = downBytesPerSecond
            self.upBytesPerSecond = upBytesPerSecond
            self.bytesPerDay = bytesPerDay
        }
    }

    /// What an exchange does, as far as rates go.
    package enum Kind: Hashable, Sendable { case call, download, upload }

    /// Bytes per second of one exchange; nil: no limit.
    package struct Rates: Hashable, Sendable {
        package var down: Int64?
        package var up: Int64?

        init(down: Int64? = nil, up: Int64? = nil) {
            self.down = down
            self.up = up
        }
    }

    private struct State {
        var limits = Limits()
        var isOpen = true
        var day: Int64 = 0
        var bytes: Int64 = 0
    }

    private let state = Mutex(State())
    private let lanes: [Kind: Lane] = [.call: Lane(), .download: Lane(), .upload: Lane()]

    package init() {}

    package func set(_ limits: Limits, isOpen: Bool) {
        state.withLock {
            $0.limits = limits
            $0.isOpen = isOpen
        }
    }

    /// Begins to count anew when it is another day.
    ///
    /// - Parameter bytes: what was counted of that day before, by an earlier process.
    package func begin(day: Int64, bytes: Int64 = 0) {
        state.withLock {
            guard $0.day != day else { return }
            $0.day = day
            $0.bytes = bytes
        }
    }

    /// What was sent and fetched of the present day.
    package var usage: (day: Int64, bytes: Int64) { state.withLock { ($0.day, $0.bytes) } }

    package func count(_ bytes: Int) {
        state.withLock { $0.bytes += Int64(max(0, bytes)) }
    }

    /// Whether bytes may move now.
    package var mayGoOn: Bool {
        state.withLock { state in state.isOpen && state.limits.bytesPerDay.map { state.bytes < $0 } ?? true }
    }

    /// Why bytes may not move now.
    package var fault: Fault {
        Fault(
            .interrupted, "the preferences allow no transfers now", advice: "`millrace-client status` says why.")
    }

    package func rates(of kind: Kind) -> Rates {
        let limits = state.withLock { $0.limits }
        switch kind {
        case .call:
            return Rates(
                down: limits.downBytesPerSecond.map { max(1, $0 / 4) },
                up: limits.upBytesPerSecond.map { max(1, $0 / 4) })
        // What goes the other way is a head of a few hundred bytes.
        case .download: return Rates(down: limits.downBytesPerSecond.map { max(1, $0 / 4 * 3) })
        case .upload: return Rates(up: limits.upBytesPerSecond.map { max(1, $0 / 4 * 3) })
        }
    }

    /// Takes the lane for an exchange with a rate, and waits for it. The caller's thread must leave it.
    func enter(_ kind: Kind, _ rates: Rates) -> Lane? {
        guard rates.down != nil || rates.up != nil, let lane = lanes[kind] else { return nil }
        lane.enter()
        return lane
    }

    /// A lock that is held during an exchange.
    final class Lane: @unchecked Sendable {
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        // Both by the monotonic clock, and only touched under the lock.
        private var began = 0.0
        private var freeAt = 0.0
        /// No debt is longer: one that cannot be right must not close a lane.
        private static let debtSecondsMax = 60.0

        init() { pthread_mutex_init(mutex, nil) }

        deinit {
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        func enter() {
            pthread_mutex_lock(mutex)
            let wait = freeAt - millrace_monotonic_seconds()
            if wait > 0 { usleep(UInt32(min(wait, Self.debtSecondsMax) * 1e6)) }
            began = millrace_monotonic_seconds()
        }

        /// - Parameter bytes: that the exchange has moved.
        func leave(after bytes: (down: Int, up: Int), _ rates: Rates) {
            let down = rates.down.map { Double(bytes.down) / Double($0) } ?? 0
            let up = rates.up.map { Double(bytes.up) / Double($0) } ?? 0
            freeAt = began + max(down, up)
            pthread_mutex_unlock(mutex)
        }
    }
}
