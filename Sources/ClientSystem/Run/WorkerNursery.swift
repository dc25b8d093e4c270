import ClientCore
import Domain
import Synchronization
import WorkerHost

/// Workers that another thread has started, until the deciding thread takes them in: a start makes files and reads a
/// program, and whoever waits for a disk cannot stop workers when the user is back.
package final class WorkerNursery: Sendable {
    private struct State {
        var runs: [TaskID: WorkerRun] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Held during a start, so that nobody hears of a worker's end before it is here.
    private let birth = Mutex(())

    package init() {}

    /// Starts one, and keeps it until `take`.
    ///
    /// - Throws: what `start` throws.
    package func bear(_ task: TaskID, _ start: () throws(Fault) -> WorkerRun) throws(Fault) {
        try birth.withLock { _ throws(Fault) in
            let run = try start()
            let isWanted = state.withLock {
                $0.runs[task] = run
                return !$0.isClosed
            }
            if !isWanted { run.kill() }
        }
    }

    /// Returns when no start is under way; not for the deciding thread.
    package func awaitBirth() { birth.withLock { _ in } }

    /// Those that were started since the last call.
    package func take() -> [TaskID: WorkerRun] {
        state.withLock { state in
            defer { state.runs = [:] }
            return state.runs
        }
    }

    /// What is started from now on is killed at once.
    package func close() { state.withLock { $0.isClosed = true } }
}
