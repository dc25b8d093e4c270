import Domain
import Glibc
import ServerHTTP
import Storage
import Synchronization
import Testing

/// A store in memory that others share: a transaction begins when a test gives it a turn.
private final class TurnStore: Store, @unchecked Sendable {
    private struct State {
        var isShared = false
        var turns = 0
        var isWaiting = false
        var failures = 0
        var isBeginning = false
    }

    // Touched by the writer's thread alone.
    private let base = MemoryStore()
    private let state = Mutex(State())

    /// Whether a transaction waits for its turn.
    var isWaiting: Bool { state.withLock { $0.isWaiting } }
    var isShared: Bool { state.withLock { $0.isShared } }
    func share(_ on: Bool) { state.withLock { $0.isShared = on } }
    func giveTurn() { state.withLock { $0.turns += 1 } }
    /// So many transactions fail at their end.
    func fail(_ count: Int) { state.withLock { $0.failures = count } }
    /// Yes once in each transaction.
    func takeBeginning() -> Bool {
        state.withLock { state in
            defer { state.isBeginning = false }
            return state.isBeginning
        }
    }

    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        while !takeTurn() { usleep(1000) }
        let fails = state.withLock { state in
            defer { state.failures = max(0, state.failures - 1) }
            return state.failures > 0
        }
        return try base.transaction { tx in
            state.withLock { $0.isBeginning = true }
            let value = try body(tx)
            if fails { throw StoreError.io("the disk is full") }
            return value
        }
    }

    private func takeTurn() -> Bool {
        state.withLock { state in
            let isMine = !state.isShared || state.turns > 0
            if isMine, state.turns > 0 { state.turns -= 1 }
            state.isWaiting = !isMine
            return isMine
        }
    }
}

@Suite("Groups of a store that others share")
struct WriterGroupTests {
    /// Requests that came while a transaction waited for its turn, and what became of them when it got one.
    /// - Returns: the answers; whether some of them came with that one turn.
    private func answers(failing: Int) async throws -> (all: [HTTPProbe.Answer], cameAlong: Bool) {
        let store = TurnStore()
        var answers: [HTTPProbe.Answer] = []
        var cameAlong = false
        try await withSite(store: .init(store), options: { $0.limits.writerQueue = 4 }) { site in
            store.share(true)
            defer { store.share(false) }
            try await LiveSite.eventually { store.isWaiting }
            // Should nobody come along, the others must not wait for ever.
            let end = Task {
                try await Task.sleep(for: LiveSite.patience)
                store.share(false)
            }
            defer { end.cancel() }
            try await withThrowingTaskGroup(of: HTTPProbe.Answer.self) { group in
                for _ in 0..<12 { group.addTask { try await site.probe.send("GET", "/v1/batches", site.admin) } }
                while let answer = try await group.next() {
                    answers.append(answer)
                    // One that is on its way still, while a daemon takes a place of the queue, needs another turn.
                    if answer.status == 200 {
                        cameAlong = cameAlong || store.isShared
                        store.share(false)
                    }
                    // Four at most can wait: the others of them have been turned away, or will be.
                    guard answers.count == 8 else { continue }
                    store.fail(failing)
                    if failing == 0 { store.giveTurn() } else { store.share(false) }
                }
            }
        }
        return (answers, cameAlong)
    }

    @Test("Who comes while a transaction waits for its turn comes along")
    func joined() async throws {
        let (answers, cameAlong) = try await answers(failing: 0)
        #expect(answers.count { $0.status == 503 } >= 8 && answers.allSatisfy { [200, 503].contains($0.status) })
        #expect(cameAlong)
    }

    @Test("When the commit of such a group fails, each of them is run again alone")
    func failed() async throws {
        let answers = try await answers(failing: 1).all
        #expect(answers.allSatisfy { [200, 503].contains($0.status) } && answers.contains { $0.status == 200 })
    }

    @Test("Nobody in a group came after it began: times of waiting are never negative")
    func waits() async throws {
        let store = TurnStore()
        let isSlow = Mutex(false)
        // Whoever asks what time it is at the beginning of a group waits for it, while others come.
        let clock = { @Sendable () -> Timestamp in
            if store.takeBeginning(), isSlow.withLock({ $0 }) { usleep(200_000) }
            return LiveSite.wall()
        }
        try await withSite(store: .init(store), clock: clock) { site in
            let waited = {
                try PrometheusText(try await site.probe.send("GET", "/metrics").text)
                    .values["millrace_stage_seconds_sum{stage=\"queue\"}"]
            }
            var before = try #require(try await waited())
            isSlow.withLock { $0 = true }
            for _ in 0..<3 {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 {
                        group.addTask { try await site.probe.send("GET", "/v1/batches", site.admin).status }
                    }
                    for try await status in group { #expect(status == 200) }
                }
                let after = try #require(try await waited())
                #expect(after >= before)
                before = after
            }
        }
    }
}
