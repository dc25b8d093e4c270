import Domain
import Storage

/// The writer thread's twin: closures that wait are run in one transaction, each in a savepoint of its own, and are
/// answered when it has returned. When the store or the commit fails, each is run again alone.
struct SimWriter {
    struct Item {
        var run: (any StoreTransaction, Timestamp) throws -> Void
        /// nil: it is durable.
        var done: ((any Error)?) -> Void
    }

    private var waiting: [Item] = []
    private static let groupMax = 256

    var isEmpty: Bool { waiting.isEmpty }

    mutating func put<T>(
        _ body: @escaping (any StoreTransaction, Timestamp) throws -> T,
        _ done: @escaping (Result<T, any Error>) -> Void
    ) {
        var value: T?
        waiting.append(
            Item(
                run: { tx, now in value = try body(tx, now) },
                done: { error in
                    if let error { done(.failure(error)) } else if let value { done(.success(value)) }
                }))
    }

    mutating func takeGroup() -> [Item] {
        let group = Array(waiting.prefix(SimWriter.groupMax))
        waiting.removeFirst(group.count)
        return group
    }

    /// Commits a group.
    ///
    /// - Parameter committed: called after each transaction that the store has answered without an error, and after
    ///   each that it has not: what was applied is applied either way.
    /// - Returns: who is to be answered, with what.
    static func commit(
        _ group: [Item], _ store: any Store, now: Timestamp, committed: () -> Void
    ) -> [(Item, (any Error)?)] {
        do {
            let refused = try store.transaction { tx in try runAll(group, tx, now) }
            committed()
            return group.enumerated().map { ($1, refused[$0]) }
        } catch {
            committed()
            if case StoreError.uncertain = error { return group.map { ($0, error) } }
            guard group.count > 1 else { return group.map { ($0, error) } }
            return group.flatMap { commit([$0], store, now: now, committed: committed) }
        }
    }

    private static func runAll(
        _ group: [Item], _ tx: any StoreTransaction, _ now: Timestamp
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
