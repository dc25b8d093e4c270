import Synchronization
import WorkerHost

/// Transfers that wait for one of a few threads; the threads end when nothing waits.
final class TransferQueue: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var threads = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let threadsMax: Int

    init(threadsMax: Int) {
        self.threadsMax = threadsMax
    }

    func submit(_ transfer: @escaping @Sendable () -> Void) {
        let isNew = state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting.append(transfer)
            guard state.threads < threadsMax else { return false }
            state.threads += 1
            return true
        }
        if isNew { BlockingThread.start("transfer") { [self] in work() } }
    }

    /// Drops what waits; nothing more is taken.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.waiting = []
        }
    }

    private func work() {
        while true {
            let next = state.withLock { state -> (@Sendable () -> Void)? in
                guard !state.waiting.isEmpty else {
                    state.threads -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            next()
        }
    }
}
