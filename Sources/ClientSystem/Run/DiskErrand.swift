import ClientCore
import Domain
import Glibc
import Synchronization

/// What the client does with the disk, one thing after the other on a thread of its own: a disk that is slow, or hangs,
/// must not keep the deciding thread from stopping workers when the user is back.
package final class DiskErrand: Sendable {
    private struct State {
        var outcome: Result<Void, Fault>?
        var isBusy = false
        var isNoting = false
    }

    private let state = Mutex(State())
    private let thread = TransferQueue(threadsMax: 1)
    private let mailbox: Postbox<ClientEvent>

    /// - Parameter mailbox: gets a tick when an outcome is there.
    package init(mailbox: Postbox<ClientEvent>) {
        self.mailbox = mailbox
    }

    /// Begins one action; its outcome must be taken before the next one.
    package func begin(_ work: @escaping @Sendable () throws(Fault) -> Void) {
        state.withLock { $0.isBusy = true }
        thread.submit { [self] in
            let outcome: Result<Void, Fault>
            do throws(Fault) {
                try work()
                outcome = .success(())
            } catch { outcome = .failure(error) }
            state.withLock { state in
                state.outcome = outcome
                state.isBusy = false
            }
            mailbox.post(.tick)
        }
    }

    /// How the last action ended; nil: it has not, or was asked for already.
    package func takeOutcome() -> Result<Void, Fault>? {
        state.withLock { state in
            defer { state.outcome = nil }
            return state.outcome
        }
    }

    /// Writes or reads a file that only informs, unless the last such work is still under way: a failure is nobody's
    /// matter.
    ///
    /// - Returns: whether it was begun.
    @discardableResult
    package func note(_ write: @escaping @Sendable () throws(Fault) -> Void) -> Bool {
        let isFree = state.withLock { state in
            defer { state.isNoting = true }
            return !state.isNoting
        }
        guard isFree else { return false }
        thread.submit { [self] in
            do throws(Fault) { try write() } catch {}
            state.withLock { $0.isNoting = false }
        }
        return true
    }

    /// Waits until nothing is being written, but not for ever: the disk may hang.
    package func settle(seconds: Double) {
        for _ in 0..<Int(seconds * 100) where state.withLock({ $0.isNoting || $0.isBusy }) { usleep(10_000) }
    }
}
