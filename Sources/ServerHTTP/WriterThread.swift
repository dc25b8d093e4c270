import Domain
import Glibc
import NIOCore
import Storage
import Synchronization
import WorkerHost

/// The one thread that touches the store, with group commit.
///
/// Whoever wants to read or write hands in a closure; the thread runs all that wait in one transaction and answers
/// when it is durable. Small results that came with calls become blobs just before the commit, all of a group at once,
/// while the rows are written. Where the store lets it (`DeferringStore`) the next group is run while the disk takes
/// the one before (`DurableAnswers`). What throws is undone alone. When the database or the commit fails, nothing of
/// the group is kept and each is run again in a transaction of its own. Closures may therefore run twice and must have
/// no effect besides the transaction. When nobody knows whether the commit happened, none is run again: whoever asked
/// is told so.
final class WriterThread: Sendable {
    private let queue = BlockingQueue<any WriterItem>()
    private let clock: SteadyClock
    private let metrics: Metrics
    private let blobs: BlobThread
    private let answers = DurableAnswers()
    private let ended = WakeUp()
    /// A larger group would only make the first in it wait.
    private static let groupMax = 256
    /// Where several come at about the same time, others are waited for a moment: every group costs as much as some
    /// calls. One that comes alone waits for nobody, and a group that is large enough for no more.
    private static let (siblingsMin, siblingsMax, gatherMicroseconds) = (2, 24, UInt32(1500))
    let queueMax: Int

    /// - Parameters:
    ///   - queueMax: so many requests may wait; the next ones are turned away with `QueueFull`.
    ///   - makeStore: called on the thread.
    /// - Throws: what `makeStore` throws.
    init(
        metrics: Metrics, blobs: any BlobStore, queueMax: Int = ServerLimits().writerQueue, clock: SteadyClock,
        makeStore: @escaping @Sendable () throws -> any Store
    ) throws {
        self.queueMax = queueMax
        self.clock = clock
        self.metrics = metrics
        self.blobs = BlobThread(blobs, metrics: metrics)
        let opened = BlockingQueue<Result<Void, any Error>>()
        BlockingThread.start("millrace-writer") { [self] in
            do {
                let store = try makeStore()
                opened.put(.success(()))
                run(store)
                self.blobs.stop()
            } catch {
                opened.put(.failure(error))
            }
            ended.signal()
        }
        try opened.take(limit: 1)[0].get()
    }

    /// For requests. - Throws: `QueueFull`, what `body` throws, or the store.
    func perform<T: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, Timestamp) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit(body, limit: queueMax) { continuation.resume(with: $0) }
        }
    }

    /// For threads of our own, which are few and are never turned away. Never from the cooperative pool.
    func performBlocking<T: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, Timestamp) throws -> T
    ) throws -> T {
        let answer = BlockingQueue<Result<T, any Error>>()
        submit(body) { answer.put($0) }
        return try answer.take(limit: 1)[0].get()
    }

    var queueDepth: Int { queue.count }

    /// Does what is in the queue, then ends the thread and with it the store.
    func stop() {
        queue.close()
        ended.wait(seconds: 60)
    }

    /// - Parameters:
    ///   - blobs: of what `body` returned; durable before the commit.
    ///   - loop: where `done` is called, together with those of the same group; nil: on a thread of ours.
    ///   - limit: with so many waiting already it is turned away with `QueueFull`.
    func submit<T: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, Timestamp) throws -> T,
        blobs: @escaping @Sendable (T) -> [[UInt8]] = { _ in [] }, on loop: (any EventLoop)? = nil, limit: Int = .max,
        _ done: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        switch queue.put(Item(body: body, blobsOf: blobs, loop: loop, done: done), limit: limit) {
        case nil: break
        case .closed: done(.failure(Fault(.interrupted, "the server is stopping")))
        case .full: done(.failure(QueueFull()))
        }
    }

    private func run(_ store: any Store) {
        let deferring = store as? any DeferringStore
        if let deferring { answers.start(deferring.durability) }
        var siblings = 0
        while true {
            // One group at most waits for the disk to be done with the one before; what comes meanwhile is one group.
            if deferring != nil { answers.waitForRoom() }
            if siblings >= Self.siblingsMin, queue.count < Self.siblingsMax { usleep(Self.gatherMicroseconds) }
            let group = queue.take(limit: Self.groupMax)
            if group.isEmpty { break }
            siblings = group.count
            if let lost = answers.failure {
                group.forEach { $0.fail(lost) }
                answers.leaveRoom()
            } else {
                commit(group, store, deferring)
            }
        }
        if deferring != nil { answers.stop() }
    }

    private func commit(
        _ first: [any WriterItem], _ store: any Store, _ deferring: (any DeferringStore)?, joins: Bool = true
    ) {
        var (group, start) = (first, ContinuousClock.now)
        do {
            // What the body takes, and of that the deciding; the rest of it is for blobs and has a stage of its own.
            var (body, deciding) = (Duration.zero, Duration.zero)
            let work = { [self] (tx: any StoreTransaction) in
                // A store that others share may have waited for its turn: who came meanwhile comes along.
                if joins { group += queue.takeWaiting(limit: Self.groupMax - group.count) }
                // After that, so that nobody in the group came later than it began.
                let (began, now) = (ContinuousClock.now, clock.now())
                defer { body = began.duration(to: .now) }
                start = began
                let refused = try runAll(group, tx, now)
                deciding = began.duration(to: .now)
                // Blob first: a crash here leaves blobs that no row names.
                let results = group.indices.flatMap { refused[$0] == nil ? group[$0].blobs : [] }
                if !results.isEmpty { try blobs.put(results) { try tx.settle() } }
                return refused
            }
            let refused = try deferring?.transactionDeferred(work) ?? store.transaction(work)
            let (decided, ended) = (deciding.inSeconds, start.advanced(by: body))
            let (group, start) = (group, start)
            let waits = group.map { $0.handedIn.duration(to: start).inSeconds }
            let durable = { @Sendable [self] (error: (any Error)?) in
                metrics.group(waits: waits, transaction: decided, commit: ended.duration(to: .now).inSeconds)
                metrics.committed(groupSize: group.count, failed: error != nil)
                if let error { group.forEach { $0.fail(error) } } else { answer(group, refused) }
            }
            if deferring != nil { answers.put(durable) } else { durable(nil) }
        } catch {
            metrics.committed(groupSize: group.count, failed: true)
            if case StoreError.uncertain = error {
                group.forEach { $0.fail(error) }
            } else if group.count > 1 {
                for item in group {
                    if let lost = answers.failure {
                        item.fail(lost)
                    } else {
                        commit([item], store, deferring, joins: false)
                    }
                }
            } else {
                group[0].fail(error)
            }
            answers.leaveRoom()
        }
    }

    /// One hop to each event loop for all that wait there.
    private func answer(_ group: [any WriterItem], _ refused: [Int: any Error]) {
        var hops: [ObjectIdentifier: (loop: any EventLoop, items: [(any WriterItem, (any Error)?)])] = [:]
        for (at, item) in group.enumerated() {
            if let loop = item.loop {
                hops[ObjectIdentifier(loop), default: (loop, [])].items.append((item, refused[at]))
            } else if let error = refused[at] {
                item.fail(error)
            } else {
                item.succeed()
            }
        }
        for (loop, items) in hops.values {
            loop.execute {
                for (item, error) in items {
                    if let error { item.fail(error) } else { item.succeed() }
                }
            }
        }
    }

    /// Each in a savepoint of its own: what throws is undone alone and does not cost the others their group.
    ///
    /// - Returns: the errors by place in the group. - Throws: when the database itself fails; then all is undone.
    private func runAll(
        _ group: [any WriterItem], _ tx: any StoreTransaction, _ now: Timestamp
    ) throws -> [Int: any Error] {
        var refused: [Int: any Error] = [:]
        for (at, item) in group.enumerated() {
            do {
                try tx.savepoint { try item.run($0, now) }
            } catch let error as StoreError {
                switch error {
                case .io, .corrupt: throw error
                default: refused[at] = error
                }
            } catch {
                refused[at] = error
            }
        }
        return refused
    }
}

/// The writer for daemons: nothing of theirs is done once another process runs them.
struct DaemonWriter: Sendable {
    let writer: WriterThread
    let leadership: any Leadership

    func performBlocking<T: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, Timestamp) throws -> T
    ) throws -> T {
        try writer.performBlocking { [leadership] tx, now in
            try leadership.confirm(in: tx)
            return try body(tx, now)
        }
    }
}

/// So much waits for the writer that one more would wait too long.
struct QueueFull: Error {}

/// One closure that waits for the writer.
private protocol WriterItem: Sendable {
    var handedIn: ContinuousClock.Instant { get }
    /// Where it is answered; nil: on a thread of ours.
    var loop: (any EventLoop)? { get }
    /// What must be durable before the commit, once it has run.
    var blobs: [[UInt8]] { get }
    func run(_ tx: any StoreTransaction, _ now: Timestamp) throws
    func succeed()
    func fail(_ error: any Error)
}

private final class Item<T: Sendable>: WriterItem {
    let handedIn = ContinuousClock.now
    private let body: @Sendable (any StoreTransaction, Timestamp) throws -> T
    private let blobsOf: @Sendable (T) -> [[UInt8]]
    let loop: (any EventLoop)?
    private let done: @Sendable (Result<T, any Error>) -> Void
    private let value = Mutex<T?>(nil)

    init(
        body: @escaping @Sendable (any StoreTransaction, Timestamp) throws -> T,
        blobsOf: @escaping @Sendable (T) -> [[UInt8]], loop: (any EventLoop)?,
        done: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        self.body = body
        self.blobsOf = blobsOf
        self.loop = loop
        self.done = done
    }

    var blobs: [[UInt8]] { value.withLock { $0 }.map(blobsOf) ?? [] }

    func run(_ tx: any StoreTransaction, _ now: Timestamp) throws {
        let result = try body(tx, now)
        value.withLock { $0 = result }
    }

    func succeed() {
        guard let result = value.withLock({ $0 }) else { return }
        done(.success(result))
    }

    func fail(_ error: any Error) {
        guard let loop, !loop.inEventLoop else { return done(.failure(error)) }
        loop.execute { [done] in done(.failure(error)) }
    }
}
