import Domain
import ServerCore
import Storage
import Synchronization
import Wire
import WorkerHost

/// Splitting as a chain of three: while the worker makes a piece, the one before is signed and packed on other cores,
/// and the one before that is written. Only the first piece of a batch goes alone.
extension ServerRuntime {
    /// Pieces that are being packed while the worker goes on.
    private static let packingMax = 5
    /// After so long others have their turn of the worker.
    private static let splitSpan: Duration = .milliseconds(250)

    /// The pieces of a split, on a thread of the pool; the last ones may still wait for their commit when it returns.
    func split(_ first: ServerJob, _ performer: any JobPerformer) {
        let start = ContinuousClock.now
        let writing = PieceWriter(runtime: self, job: first)
        var packing: [PackedPiece] = []
        var next: ServerJob? = first
        var pieces = 0
        var failure: (any Error)?
        while let job = next {
            next = nil
            do {
                let result = try perform(job, performer)
                if memory.withLock({ $0.isStopping }) { return }
                // The worker made the piece before: what failed earlier is not this one's failure.
                let board = pieces == 0 ? memory.withLock { $0.board } : JobBoard()
                pieces += 1
                packing.append(PackedPiece(job, result, board, self))
                if pieces < first.pieces, start.duration(to: .now) < Self.splitSpan, !writing.hasEnded,
                    case .reply(let reply) = result, case .split(let split) = reply.reply
                {
                    next = core.following(job, split)
                }
            } catch {
                failure = error
            }
            while packing.count >= Self.packingMax || (next == nil && !packing.isEmpty) {
                writing.write(packing.removeFirst())
            }
        }
        if let failure { writing.fail(failure) }
        writing.close()
    }
}

/// A piece on its way through a thread that packs.
private struct PackedPiece: Sendable {
    let job: ServerJob
    let result: JobResult
    private let packed = BlockingQueue<Result<JobEvent, any Error>>()

    init(_ job: ServerJob, _ result: JobResult, _ board: JobBoard, _ runtime: ServerRuntime) {
        self.job = job
        self.result = result
        runtime.packers.put { [packed, core = runtime.core, clock = runtime.clock] in
            packed.put(Result { try core.event(job, result, board: board, now: clock.now()) })
        }
    }

    func wait() throws -> JobEvent { try packed.take(limit: 1)[0].get() }
}

/// Writes pieces in their order, and ends their job behind the last one.
private final class PieceWriter: Sendable {
    private struct State {
        var open = 0
        var isClosed = false
        /// No further piece makes sense.
        var hasEnded = false
        /// Of the last piece that was written, and of what came last.
        var written: JobEvent?
        var event: JobEvent?
        var error: (any Error)?
    }

    private let runtime: ServerRuntime
    private let job: ServerJob
    private let state = Mutex(State())
    /// One is written while the next one waits: more at once would keep calls waiting for as long.
    private let permits = BlockingQueue<Void>()
    private static let atOnce = 2

    init(runtime: ServerRuntime, job: ServerJob) {
        self.runtime = runtime
        self.job = job
        for _ in 0..<Self.atOnce { permits.put(()) }
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func fail(_ error: any Error) {
        state.withLock { state in
            state.hasEnded = true
            state.error = state.error ?? error
        }
    }

    func write(_ piece: PackedPiece) {
        let event: JobEvent
        do { event = try piece.wait() } catch { return fail(error) }
        _ = permits.take(limit: 1)
        let goesOn = state.withLock { state in
            guard !state.hasEnded else { return false }
            state.open += 1
            if case .split = event {} else { state.hasEnded = true }
            return true
        }
        guard goesOn else {
            permits.put(())
            return
        }
        runtime.writer.submit({ [runtime] tx, now in
            try runtime.leadership.confirm(in: tx)
            return try runtime.core.commit(event, in: tx, now: now) == nil
        }) { [self] committed in
            switch committed {
            case .success:
                runtime.note(piece.job, event, piece.result)
                state.withLock { state in
                    if case .split = event { state.written = event }
                    state.event = event
                }
            case .failure(let error): fail(error)
            }
            state.withLock { $0.open -= 1 }
            permits.put(())
            endIfOver()
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        endIfOver()
    }

    private func endIfOver() {
        let over = state.withLock { state -> State? in
            guard state.isClosed, state.open == 0 else { return nil }
            // Only once.
            state.isClosed = false
            return state
        }
        guard let over else { return }
        if let error = over.error { return runtime.fail(job, error) }
        // A piece that was written ends the failures before it, whatever came behind it.
        runtime.end(job, [over.written, over.event].compactMap(\.self))
    }
}

/// Threads that sign and pack work units, so that it is more than one core's work.
final class Packers: Sendable {
    private let queue = BlockingQueue<@Sendable () -> Void>()

    init(threads: Int) {
        for _ in 0..<threads {
            BlockingThread.start("millrace-pack") { [queue] in
                while let work = queue.take(limit: 1).first { work() }
            }
        }
    }

    func put(_ work: @escaping @Sendable () -> Void) { queue.put(work) }

    /// Nobody waits for anything here any more.
    func stop() { queue.closeAndDrop() }
}
