import Domain
import Glibc
import Storage

/// The tables of a `PostgresStore` inside a transaction. One object serves all transactions of a store, one at a time.
///
/// What every scheduler call reads and writes is kept in memory and written together when the transaction ends, as
/// `SQLiteTransaction` does. Statements that write are sent without waiting for their answer; one that reads, and the
/// commit, wait for all. Savepoints reach the database only when something is written in them.
final class PostgresTransaction: StoreTransaction {
    let session: Session
    private var isOpen = false
    private(set) var connection: Connection?

    var hostRows = RowCache<HostID, HostRecord>(rowsMax: 65_536)
    var volunteerRows = RowCache<VolunteerID, VolunteerRecord>(rowsMax: 65_536)
    /// A unit takes about a kilobyte.
    var unitRows = RowCache<WorkUnitID, WorkUnitAggregate>(rowsMax: 32_768)
    var teamRows = RowCache<TeamID, TeamRecord>(rowsMax: 8192)
    var trustRows = RowCache<TrustKey, TrustRecord>(rowsMax: 65_536)
    /// As they are stored; gone with anything that is undone.
    var aside = AsideRows()
    var appended = Appended()
    /// Of all units that are stored or changed here.
    var open = OpenWork()
    var openChanges: [(id: WorkUnitID, old: WorkUnitAggregate?, new: WorkUnitAggregate?)] = []
    /// Hosts and volunteers that are known to exist.
    var knownHosts: Set<HostID> = []
    var knownVolunteers: Set<VolunteerID> = []

    /// Savepoints in force, outermost first.
    var savepoints: [Savepoint] = []
    /// Of them, those that the database knows.
    var issued = 0
    /// So much was changed that how to undo it was dropped: whatever is undone now is read afresh.
    var hasOverflowed = false

    /// What this transaction changes, for other processes.
    var note = ChangeNote()
    var hasWritten = false
    /// The commit that memory stands for; nil: memory is not what the database has.
    var seen: Commit?
    /// Who runs the daemons, by number of take-overs.
    var term: Int64 = 0
    /// Tells the commits of this store from those of others.
    let writer = Int64.random(in: 1...Int64.max)

    /// Changes that are remembered for undoing, and units that wait to be written.
    static let changesMax = 4096
    static let batchesMax = 1024

    struct Commit: Equatable {
        var generation: Int64
        var writer: Int64
    }

    init(_ session: Session) {
        self.session = session
    }

    /// Connects and reads what is open.
    func connect() throws {
        try whole { _ in }
    }

    func whole<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        guard !isOpen else { throw StoreError.conflict("a transaction inside a transaction") }
        try begin()
        isOpen = true
        defer { isOpen = false }
        do {
            try catchUp()
            let value = try body(self)
            try settle()
            try commit()
            return value
        } catch {
            connection?.rollBack()
            forget()
            throw error
        }
    }

    // MARK: Begin and end

    private static let begin = Query("BEGIN")
    private static let lock = Query("SELECT pg_advisory_xact_lock($1)")
    private static let news = Query(
        """
        SELECT generation, writer, CASE WHEN generation > $1 THEN note END FROM change
        WHERE generation >= $1 ORDER BY generation LIMIT \(newsMax + 1)
        """)
    /// So many commits of others are followed one by one.
    private static let newsMax = 512
    private var news: [(commit: Commit, note: [UInt8])] = []

    /// One round trip. A connection that was lost meanwhile is opened again, once.
    private func begin() throws {
        for attempt in 0..<2 {
            let connection = try session.connection()
            self.connection = connection
            do {
                try connection.send(PostgresTransaction.begin)
                try connection.send(PostgresTransaction.lock) { $0.integer(session.lockKey) }
                try connection.send(PostgresTransaction.news) { $0.integer(seen?.generation ?? .max) }
                news = try connection.exchange(keeping: 1)[0].all { row in
                    (Commit(generation: row.integer(), writer: row.integer()), row.blob())
                }
                return
            } catch {
                connection.rollBack()
                if !connection.isLost || attempt > 0 { throw error }
            }
        }
    }

    private static let latest = Query("SELECT generation, writer FROM change ORDER BY generation DESC LIMIT 1")
    private static let presentTerm = Query("SELECT term FROM daemons")

    /// Makes memory what the database has.
    private func catchUp() throws {
        defer { news = [] }
        note = ChangeNote()
        hasWritten = false
        if let seen, news.first?.commit == seen, news.count <= PostgresTransaction.newsMax {
            var next = seen.generation
            var notes: [ChangeNote] = []
            for item in news.dropFirst() {
                next += 1
                // A note that this version does not understand says no less: read it yourself.
                guard let note = try? ChangeNote(item.note), !note.isWhole, item.commit.generation == next else {
                    return try readAgain()
                }
                notes.append(note)
            }
            self.seen = news.last?.commit
            try follow(notes)
        } else {
            try readAgain()
        }
    }

    private func readAgain() throws {
        seen = nil
        forgetRows()
        let link = try link()
        open = try readOpenWork()
        term = try link.first(PostgresTransaction.presentTerm) { $0.integer() } ?? 0
        seen = try link.first(PostgresTransaction.latest) {
            Commit(generation: $0.integer(), writer: $0.integer())
        }
        guard seen != nil else { throw link.lose(.corrupt("\(link.name): the table of changes is empty")) }
    }

    private static let tell = Query("INSERT INTO change (generation, writer, note) VALUES ($1, $2, $3)")
    private static let prune = Query("DELETE FROM change WHERE generation <= $1")
    private static let end = Query("COMMIT")
    private static let sign = Query(
        """
        INSERT INTO last_commit (writer, generation) VALUES ($1, $2)
        ON CONFLICT (writer) DO UPDATE SET generation = excluded.generation
        """)
    private static let mine = Query("SELECT generation FROM last_commit WHERE writer = $1")

    /// One round trip for all that was only sent, the note and the commit.
    private func commit() throws {
        let link = try link()
        guard hasWritten else {
            // Nothing hangs on the answer.
            try link.send(PostgresTransaction.end)
            try link.flush()
            return kept()
        }
        guard let seen else { throw link.lose(.corrupt("a commit without a beginning")) }
        let next = Commit(generation: seen.generation + 1, writer: writer)
        try link.send(PostgresTransaction.tell) {
            $0.integer(next.generation)
            $0.integer(next.writer)
            $0.blob(finalNote().encoded())
        }
        try link.send(PostgresTransaction.sign) {
            $0.integer(next.writer)
            $0.integer(next.generation)
        }
        if next.generation.isMultiple(of: 64) {
            try link.send(PostgresTransaction.prune) {
                $0.integer(next.generation - Int64(PostgresTransaction.newsMax))
            }
        }
        do {
            try link.send(PostgresTransaction.end)
            _ = try link.exchange(keeping: 0)
        } catch {
            // The server's word on COMMIT may have been lost with the connection.
            guard link.isLost, try wasCommitted(next) else { throw error }
            return kept()
        }
        self.seen = next
        kept()
    }

    /// - Throws: `StoreError.uncertain` when nobody answers for too long.
    private func wasCommitted(_ commit: Commit) throws -> Bool {
        // Should nobody answer, memory is read again whenever somebody does.
        seen = nil
        let end = ContinuousClock.now.advanced(by: .milliseconds(session.options.patience.milliseconds))
        while true {
            do { return try lastCommit() == commit.generation } catch {
                guard ContinuousClock.now < end else { throw StoreError.uncertain("\(error)") }
                usleep(50_000)
            }
        }
    }

    /// What this store has committed last: asked over a new connection, behind the lock that the lost transaction held
    /// as long as it lived.
    private func lastCommit() throws -> Int64? {
        let connection = try session.connection()
        self.connection = connection
        defer { connection.rollBack() }
        try connection.send(PostgresTransaction.begin)
        try connection.send(PostgresTransaction.lock) { $0.integer(session.lockKey) }
        return try connection.first(PostgresTransaction.mine, { $0.integer(writer) }, { $0.integer() })
    }

    private func finalNote() -> ChangeNote {
        var note = note
        var units: [WorkUnitID: (old: WorkUnitAggregate?, new: WorkUnitAggregate?)] = [:]
        for change in openChanges { units[change.id] = (units[change.id, default: (change.old, nil)].old, change.new) }
        let touched = note.units.map(\.id).filter { units[$0] == nil }
        note.units = Set(touched).map { ChangeNote.Unit(id: $0, old: nil, new: nil) }
        note.units += units.map { id, change in
            ChangeNote.Unit(id: id, old: change.old.map(OpenUnit.init), new: change.new.map(OpenUnit.init))
        }
        (note.nextEntry, note.nextLeaf, note.term) = (appended.nextEntry, appended.nextLeaf, term)
        note.isWhole = hasOverflowed || note.units.count > ChangeNote.unitsMax
        return note
    }

    // MARK: Statements

    /// - Throws: what has broken the transaction.
    func link() throws -> Connection {
        guard let connection else { throw StoreError.io("PostgreSQL: no connection") }
        if let broken = connection.broken { throw broken }
        return connection
    }

    func alive() throws { _ = try link() }

    private static let mark = Query("SAVEPOINT part")

    /// Tells the database of the savepoints in force.
    func issue() throws {
        let link = try link()
        hasWritten = true
        while issued < savepoints.count {
            try link.send(PostgresTransaction.mark)
            savepoints[issued].appended.written = appended.mark.written
            issued += 1
        }
    }

    /// Sends a statement that changes something; before the first one of a savepoint the database is told of it.
    func write(_ query: Query, _ bind: (inout Binder) -> Void = { _ in }) throws {
        try issue()
        try link().send(query, bind)
    }

    func all<T>(
        _ query: Query, _ bind: (inout Binder) -> Void = { _ in }, _ read: (inout Row) throws -> T
    ) throws -> [T] {
        try link().all(query, bind, read)
    }

    func first<T>(
        _ query: Query, _ bind: (inout Binder) -> Void = { _ in }, _ read: (inout Row) throws -> T
    ) throws -> T? {
        try link().first(query, bind, read)
    }
}
