import Synchronization

/// How many bytes of request bodies the server holds at once, over all connections.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let held = Mutex(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    var bytesHeld: Int { held.withLock { $0 } }

    fileprivate func take(_ bytes: Int) -> Bool {
        held.withLock { held in
            guard bytes <= bytesMax - held else { return false }
            held += bytes
            return true
        }
    }

    fileprivate func giveBack(_ bytes: Int) { held.withLock { $0 -= bytes } }
}

/// What one request holds of the budget, from the first byte of its body to the end of its answer.
///
/// Only bytes that have come are counted, so that an announced length costs an attacker the bytes themselves. A chunk
/// of an upload is written as it comes and holds only what is not written yet.
final class BodyAccount: Sendable {
    /// The account of the request that this task answers.
    @TaskLocal static var current: BodyAccount?

    private let budget: BodyBudget
    private let bytes = Atomic(0)

    init(_ budget: BodyBudget) {
        self.budget = budget
    }

    deinit { budget.giveBack(bytes.load(ordering: .relaxed)) }

    /// - Returns: false when the server holds too much already.
    func take(_ count: Int) -> Bool {
        guard budget.take(count) else { return false }
        bytes.add(count, ordering: .relaxed)
        return true
    }

    /// - Parameter count: of bytes that were taken before and are not in memory any more.
    func giveBack(_ count: Int) {
        bytes.subtract(count, ordering: .relaxed)
        budget.giveBack(count)
    }
}

/// The server holds as many bodies as it may.
struct TooManyBodies: Error {}
