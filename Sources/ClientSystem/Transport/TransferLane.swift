import CPosix
import Glibc

/// One exchange at a time, in the order in which they came.
///
/// An exchange ends on the thread that began it; a thread that waits is woken by the one that leaves.
package final class TransferLane: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // All by the monotonic clock, and only touched under the lock.
    private var waiting: [UInt64] = []
    private var nextTicket: UInt64 = 0
    private var isHeld = false
    private var began = 0.0
    private var freeAt = 0.0
    /// No debt is longer: one that cannot be right must not close a lane.
    private static let debtSecondsMax = 60.0

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(change, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(mutex)
        change.deallocate()
        mutex.deallocate()
    }

    private func locked<T>(_ body: () -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Waits for its turn, then until what went too fast before is made up for.
    ///
    /// - Returns: false when those before did not end in time; the lane is not taken then.
    package func enter(patienceSeconds: Double) -> Bool {
        let until = millrace_monotonic_seconds() + patienceSeconds
        let debt: Double? = locked {
            let ticket = nextTicket
            nextTicket += 1
            waiting.append(ticket)
            var deadline = timespec(
                tv_sec: Int(until), tv_nsec: Int((until - until.rounded(.down)) * 1e9))
            while isHeld || waiting.first != ticket {
                guard pthread_cond_timedwait(change, mutex, &deadline) == ETIMEDOUT else { continue }
                waiting.removeAll { $0 == ticket }
                pthread_cond_broadcast(change)
                return nil
            }
            waiting.removeFirst()
            isHeld = true
            return freeAt - millrace_monotonic_seconds()
        }
        guard let debt else { return false }
        if debt > 0 { usleep(UInt32(min(debt, Self.debtSecondsMax) * 1e6)) }
        locked { began = millrace_monotonic_seconds() }
        return true
    }

    /// - Parameter bytes: that the exchange has moved.
    package func leave(after bytes: (down: Int, up: Int), _ rates: TransferGovernor.Rates) {
        let down = rates.down.map { Double(bytes.down) / Double($0) } ?? 0
        let up = rates.up.map { Double(bytes.up) / Double($0) } ?? 0
        locked {
            freeAt = began + max(down, up)
            isHeld = false
            pthread_cond_broadcast(change)
        }
    }

    /// Whether somebody waits for it.
    package var isWanted: Bool { waitingCount > 0 }
    package var waitingCount: Int { locked { waiting.count } }

    /// Since its present holder began.
    var heldSeconds: Double { millrace_monotonic_seconds() - locked { began } }
}
