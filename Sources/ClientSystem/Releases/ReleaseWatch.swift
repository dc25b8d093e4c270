import Bytes
import CPosix
import Domain
import Releases
import Synchronization
import WorkerHost

/// Keeps a project's releases fresh beside the running client, and says what is new.
///
/// A round is a thread of its own, which ends with it: nothing wakes up in between.
package final class ReleaseWatch: Sendable {
    private struct State {
        var isRunning = false
        /// Monotonic seconds.
        var dueAt = 0.0
        var news = News()
    }

    /// For the client's status.
    package struct News: Hashable, Sendable {
        /// A version of the client that the project knows of and that is newer than this one.
        package var newerClient: String?
        /// Why the last round brought nothing.
        package var trouble: String?

        package init() {}
    }

    private let store: ReleaseStore
    private let read: @Sendable (ReleaseUpdate.Want) throws(Fault) -> [UInt8]?
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    /// One round at a time.
    private let rounds = Mutex<(endedAt: Double, news: News)?>(nil)
    /// Whoever asks so soon after a round gets its outcome.
    private static let freshSeconds = 10.0
    /// Well within the time that a timestamp is valid, and once more after each start.
    private static let everySeconds = 6 * 3600.0
    private static let retrySeconds = 900.0

    /// - Parameter read: see `ReleaseFetcher.read`.
    package init(
        store: ReleaseStore, now: @escaping @Sendable () -> Timestamp,
        read: @escaping @Sendable (ReleaseUpdate.Want) throws(Fault) -> [UInt8]?
    ) {
        self.store = store
        self.now = now
        self.read = read
    }

    package var news: News { state.withLock { $0.news } }

    /// Begins a round if one is due. - Parameter seconds: monotonic.
    /// - Parameter ended: called when it is over, on its thread.
    package func tend(at seconds: Double, ended: @escaping @Sendable () -> Void) {
        let isDue = state.withLock { state in
            guard !state.isRunning, seconds >= state.dueAt else { return false }
            state.isRunning = true
            return true
        }
        guard isDue else { return }
        BlockingThread.start("releases") { [self] in
            let found = round()
            state.withLock { state in
                state.isRunning = false
                state.dueAt = seconds + (found.trouble == nil ? Self.everySeconds : Self.retrySeconds)
                state.news = found
            }
            ended()
        }
    }

    /// Makes a round now, or waits for the one that is being made; one that has just ended serves as well. Blocks.
    ///
    /// - Returns: why it brought nothing; nil: all is as the server has it.
    package func refresh() -> String? {
        let found = rounds.withLock { last -> News in
            if let last, millrace_monotonic_seconds() - last.endedAt < Self.freshSeconds { return last.news }
            let news = makeRound()
            last = (millrace_monotonic_seconds(), news)
            return news
        }
        state.withLock { $0.news = found }
        return found.trouble
    }

    private func round() -> News {
        rounds.withLock { last in
            let news = makeRound()
            last = (millrace_monotonic_seconds(), news)
            return news
        }
    }

    private func makeRound() -> News {
        var found = News()
        let now = now()
        do throws(Fault) {
            let round = try store.refresh(now: now, read)
            found.trouble = round.trouble
            found.newerClient = try store.trusted()?.newerClient(than: HostInventory.clientVersion, now: now)
        } catch { found.trouble = error.message }
        return found
    }
}
