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
    }

    // Touched by the writer's thread alone.
    private let base = MemoryStore()
    private let state = Mutex(State())

    /// Whether a transaction waits for its turn.
    var isWaiting: Bool { state.withLock { $0.isWaiting } }
    func share(_ on: Bool) { state.withLock { $0.isShared = on } }
    func giveTurn() { state.withLock { $0.turns += 1 } }
    /// So many transactions fail at their end.
    func fail(_ count: Int) { state.withLock { $0.failures = count } }

    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        while !takeTurn() { usleep(1000) }
        let fails = state.withLock { state in
            defer { state.failures = max(0, state.failures - 1) }
            return state.failures > 0
        }
        return try base.transaction { tx in
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
    private func answers(failing: Int) async throws -> [HTTPProbe.Answer] {
        let store = TurnStore()
        var answers: [HTTPProbe.Answer] = []
        try await withSite(store: .init(store), options: { $0.limits.writerQueue = 4 }) { site in
            store.share(true)
            defer { store.share(false) }
            try await LiveSite.eventually { store.isWaiting }
            answers = try await withThrowingTaskGroup(of: HTTPProbe.Answer.self) { group in
                for _ in 0..<12 { group.addTask { try await site.probe.send("GET", "/v1/batches", site.admin) } }
                var answers: [HTTPProbe.Answer] = []
                while let answer = try await group.next() {
                    answers.append(answer)
                    // Four at most can wait, so as many have arrived as will: one turn is for all of them.
                    guard answers.count == 8 else { continue }
                    store.fail(failing)
                    if failing == 0 { store.giveTurn() } else { store.share(false) }
                }
                return answers
            }
        }
        return answers
    }

    @Test("Who comes while a transaction waits for its turn comes along")
    func joined() async throws {
        let answers = try await answers(failing: 0)
        #expect(answers.count { $0.status == 503 } >= 8 && answers.allSatisfy { [200, 503].contains($0.status) })
        #expect(answers.contains { $0.status == 200 })
    }

    @Test("When the commit of such a group fails, each of them is run again alone")
    func failed() async throws {
        let answers = try await answers(failing: 1)
        #expect(answers.allSatisfy { [200, 503].contains($0.status) } && answers.contains { $0.status == 200 })
    }
}
