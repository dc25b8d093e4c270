import ClientCore
import Domain
import Glibc
import Synchronization

/// What the client does with the disk, one thing after the other on a thread of its own: a disk that is slow, or hangs,
/// must not keep the deciding thread from stopping workers when the user is back.
package final class DiskErrand: Sendable {
    private struct State {
        var outcome: Result<Void, Fault>?
        var isWritingStatus = false
    }

    private let state = Mutex(State())
    private let thread = TransferQueue(threadsMax: 1)
    private let mailbox: Mailbox<ClientEvent>

    /// - Parameter mailbox: gets a tick when an outcome is there.
    package init(mailbox: Mailbox<ClientEvent>) {
        self.mailbox = mailbox
    }

    /// Begins one action; its outcome must be taken before the next one.
    package func begin(_ work: @escaping @Sendable () throws(Fault) -> Void) {
        thread.submit { [self] in
            let outcome: Result<Void, Fault>
            do throws(Fault) {
                try work()
                outcome = .success(())
            } catch { outcome = .failure(error) }
            state.withLock { $0.outcome = outcome }
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

    /// Writes the status, unless an earlier one is still being written. It only informs: a failure is nobody's matter.
    ///
    /// - Returns: whether it was begun.
    @discardableResult
    package func write(_ status: ClientStatus, to directory: DataDirectory) -> Bool {
        let isFree = state.withLock { state in
            defer { state.isWritingStatus = true }
            return !state.isWritingStatus
        }
        guard isFree else { return false }
        thread.submit { [self] in
            try? directory.save(status)
            state.withLock { $0.isWritingStatus = false }
        }
        return true
    }

    /// Waits until no status is being written, but not for ever: the disk may hang.
    package func settle(seconds: Double) {
        for _ in 0..<Int(seconds * 100) where state.withLock({ $0.isWritingStatus }) { usleep(10_000) }
    }
}
