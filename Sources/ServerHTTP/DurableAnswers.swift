import NIOConcurrencyHelpers
import Storage
import Synchronization
import WorkerHost

/// Answers groups of requests when the disk has what they did, on a thread of its own, so that the writer goes on with
/// the next group meanwhile.
///
/// All that waits is answered after one sync. When a sync fails, nobody knows what the disk has: all who wait are told
/// so, and nothing is written any more (`failure`) until the server is started again.
final class DurableAnswers: Sendable {
    private let queue = BlockingQueue<@Sendable ((any Error)?) -> Void>()
    /// Free while no group waits for its sync to begin.
    private let room = ConditionLock<Bool>(value: true)
    private let ended = WakeUp()
    private let lost = Mutex<StoreError?>(nil)

    func start(_ durability: any StoreDurability) {
        BlockingThread.start("millrace-sync") { [self] in
            while true {
                let waiting = queue.take(limit: .max)
                if waiting.isEmpty { break }
                leaveRoom()
                let error = sync(durability)
                for answer in waiting { answer(error) }
            }
            ended.signal()
        }
    }

    private func sync(_ durability: any StoreDurability) -> (any Error)? {
        do {
            try durability.wait()
            return nil
        } catch {
            lost.withLock { $0 = .io("\(error); the server must be started again") }
            return error
        }
    }

    /// Why nothing can be written any more.
    var failure: StoreError? { lost.withLock { $0 } }

    /// Called with nil when everything that was committed before is durable.
    func put(_ answer: @escaping @Sendable ((any Error)?) -> Void) { queue.put(answer) }

    /// Waits until the sync of the last group has begun, and takes the room behind it.
    func waitForRoom() {
        room.lock(whenValue: true)
        room.unlock(withValue: false)
    }

    func leaveRoom() {
        room.lock()
        room.unlock(withValue: true)
    }

    /// Answers all that wait, then ends the thread.
    func stop() {
        queue.close()
        ended.wait(seconds: 30)
    }
}

/// Puts blobs while the thread that needs them does something else.
final class BlobThread: Sendable {
    private struct Job: Sendable {
        var blobs: [[UInt8]]
        var done: BlockingQueue<Result<Void, any Error>>
    }

    private let queue = BlockingQueue<Job>()

    init(_ blobs: any BlobStore, metrics: Metrics) {
        BlockingThread.start("millrace-blobs") { [queue] in
            while let job = queue.take(limit: 1).first {
                job.done.put(Result { _ = try metrics.timed(.blobs) { try blobs.put(job.blobs) } })
            }
        }
    }

    /// - Throws: what `meanwhile` or the store throws, when both have ended.
    func put(_ blobs: [[UInt8]], meanwhile: () throws -> Void) throws {
        let done = BlockingQueue<Result<Void, any Error>>()
        guard queue.put(Job(blobs: blobs, done: done)) == nil else {
            throw StoreError.io("the server is stopping")
        }
        let other = Result { try meanwhile() }
        try done.take(limit: 1)[0].get()
        try other.get()
    }

    func stop() { queue.close() }
}
