import Domain
import Storage
import Synchronization

/// Whoever holds a session's advisory lock runs the daemons. The server gives the lock back when the session ends,
/// however it ends, so that another process takes over as soon as it asks.
///
/// Each take-over raises a number that all stores on the database learn with their next transaction (`ChangeNote`): a
/// process that lost its session and has not noticed yet commits nothing more as a daemon.
public final class PostgresElection: Leadership {
    private let state: Mutex<State>
    /// The number of this process's take-over; 0: it has not taken over. Apart, since `confirm` asks inside a
    /// transaction, for whose end a take-over waits.
    private let term = Atomic<Int64>(0)

    fileprivate struct State {
        var session: Session
        var connection: Connection?
        /// As `PostgresElection.term`.
        var term: Int64 = 0
    }

    /// - Parameter conninfo: the same as the store's. Nothing is opened yet.
    public init(_ conninfo: String, options: PostgresOptions = PostgresOptions()) {
        state = Mutex(State(session: Session(conninfo, options: options)))
    }

    public var isShared: Bool { true }

    fileprivate static let ping = Query("SELECT 1::bigint")
    fileprivate static let attempt = Query("SELECT pg_try_advisory_lock($1)::int::bigint")
    fileprivate static let raise = Query("UPDATE daemons SET term = term + 1 RETURNING term")
    fileprivate static let tell = Query(
        "INSERT INTO change (generation, writer, note) SELECT max(generation) + 1, 0, $1 FROM change")
    fileprivate static let begin = Query("BEGIN")
    fileprivate static let commit = Query("COMMIT")
    fileprivate static let lock = Query("SELECT pg_advisory_xact_lock($1)")

    /// Asks the server each time: at most as long as a connection may take to fail.
    public func hold() -> Bool {
        state.withLock { state in
            do {
                try state.hold()
            } catch {
                // A session that is in doubt is given up: the lock must not stay with one that believes it has none.
                state.leave()
            }
            term.store(state.term, ordering: .sequentiallyConsistent)
            return state.term > 0
        }
    }

    public func confirm(in tx: any StoreTransaction) throws {
        let term = term.load(ordering: .sequentiallyConsistent)
        guard let tx = tx as? PostgresTransaction, term > 0, tx.term == term else {
            throw StoreError.conflict("another server process runs the daemons")
        }
    }

    public func release() {
        state.withLock { state in
            state.leave()
            term.store(0, ordering: .sequentiallyConsistent)
        }
    }
}

extension PostgresElection.State {
    fileprivate mutating func leave() {
        term = 0
        connection = nil
        session.close()
    }

    fileprivate mutating func hold() throws {
        let present = try session.connection()
        if present !== connection {
            // Another session: what the old one held is gone.
            term = 0
            connection = present
        }
        if term > 0 {
            _ = try present.first(PostgresElection.ping) { _ in true }
            return
        }
        // The neighbour of the key that transactions lock.
        let key = session.lockKey + (1 << 32)
        guard try present.first(PostgresElection.attempt, { $0.integer(key) }, { $0.boolean() }) == true else { return }
        try present.send(PostgresElection.begin)
        try present.send(PostgresElection.lock) { $0.integer(session.lockKey) }
        guard let next = try present.first(PostgresElection.raise, { _ in }, { $0.integer() }) else {
            throw present.lose(.corrupt("\(present.name): the number of take-overs is missing"))
        }
        var note = ChangeNote()
        note.term = next
        try present.send(PostgresElection.tell) { $0.blob(note.encoded()) }
        try present.send(PostgresElection.commit)
        _ = try present.exchange(keeping: 0)
        term = next
    }
}
