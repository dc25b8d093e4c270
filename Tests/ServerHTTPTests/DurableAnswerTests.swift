import Domain
import Glibc
import ServerHTTP
import Storage
import Synchronization
import Testing

/// A store in memory whose disk a test holds up, or breaks.
private final class SlowDisk: DeferringStore, StoreDurability, @unchecked Sendable {
    private struct State {
        var committed = 0
        var isHeld = false
        var isWaiting = false
        var isBroken = false
    }

    // Touched by the writer's thread alone.
    private let base: any Store
    private let state = Mutex(State())

    init() { base = MemoryStore() }

    var committed: Int { state.withLock { $0.committed } }
    /// Whether somebody is being held up, and will be until `hold(false)`.
    var isWaiting: Bool { state.withLock { $0.isWaiting && $0.isHeld } }
    func hold(_ on: Bool) { state.withLock { $0.isHeld = on } }
    func breakDown() { state.withLock { $0.isBroken = true } }

    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        Issue.record("whoever can wait later does")
        return try base.transaction(body)
    }

    func transactionDeferred<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        let value = try base.transaction(body)
        state.withLock { $0.committed += 1 }
        return value
    }

    var durability: any StoreDurability { self }

    func wait() throws {
        while state.withLock({ state in
            state.isWaiting = state.isHeld && !state.isBroken
            return state.isWaiting
        }) { usleep(1000) }
        if state.withLock({ $0.isBroken }) { throw StoreError.uncertain("the disk is gone") }
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

@Suite("Answers when the disk has it")
struct DurableAnswerTests {
    @Test("Nobody is answered before; groups go on meanwhile, one ahead, and the rest is one group")
    func held() async throws {
        let disk = SlowDisk()
        try await withSite(store: .init(disk)) { site in
            disk.hold(true)
            let answered = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let ask: @Sendable () async throws -> Void = {
                    let answer = try await site.probe.send("GET", "/healthz")
                    #expect(answer.status == 200)
                    answered.add()
                }
                group.addTask(operation: ask)
                try await LiveSite.eventually { disk.isWaiting }
                // From here on nobody is answered; one group at most is committed behind the one that waits.
                let (committed, before) = (disk.committed, answered.value)
                for _ in 0..<20 { group.addTask(operation: ask) }
                try await Task.sleep(for: .milliseconds(600))
                #expect(disk.committed <= committed + 1 && answered.value == before)
                disk.hold(false)
                try await group.waitForAll()
            }
            #expect(answered.value == 21)
        }
    }

    @Test("A disk that does not confirm: who waits is told that nobody knows, and nothing is written from then on")
    func broken() async throws {
        let disk = SlowDisk()
        try await withSite(store: .init(disk)) { site in
            #expect(try await site.probe.send("GET", "/healthz").status == 200)
            disk.hold(true)
            let asked = Task { try await site.submit() }
            try await Task.sleep(for: .milliseconds(200))
            disk.breakDown()
            guard case .failure(let error) = await asked.result else {
                Issue.record("a submission was acknowledged that no disk has")
                return
            }
            // Who comes too late to be one of them is told that nothing can be written.
            #expect("\(error)".contains("503") || "\(error)".contains("507"), "\(error)")
            try await LiveSite.eventually { try await site.probe.send("GET", "/healthz").status == 503 }
            let committed = disk.committed
            #expect(try await site.probe.send("GET", "/v1/batches", site.admin).status >= 500)
            #expect(disk.committed == committed)
        }
    }
}
