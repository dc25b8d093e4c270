import Domain
import Storage

/// The tables of a `SQLiteStore` inside a transaction. One object serves all transactions of a store, one at a time.
final class SQLiteTransaction: StoreTransaction {
    let connection: Connection
    private var isOpen = false
    /// Units as they are stored, read or written in this transaction: a save needs what it replaces, and the caller has
    /// nearly always just loaded it.
    private(set) var loaded: [WorkUnitID: WorkUnitAggregate] = [:]
    /// Units kept: cancelling or checking a large batch passes millions of them in one transaction.
    private static let loadedMax = 4096
    /// Hosts and volunteers that are known to exist.
    var knownHosts: Set<HostID> = []
    var knownVolunteers: Set<VolunteerID> = []
    var hints = UnsentHints()

    init(_ connection: Connection) {
        self.connection = connection
    }

    private static let begin = Query("BEGIN IMMEDIATE")
    private static let commit = Query("COMMIT")
    private static let mark = Query("SAVEPOINT part")
    private static let release = Query("RELEASE part")
    private static let backToMark = Query("ROLLBACK TO part")

    func whole<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        guard !isOpen else { throw StoreError.conflict("a transaction inside a transaction") }
        do {
            try connection.run(SQLiteTransaction.begin)
        } catch {
            connection.rollBack()
            throw error
        }
        isOpen = true
        defer {
            isOpen = false
            loaded.removeAll(keepingCapacity: true)
        }
        do {
            let value = try body(self)
            try connection.run(SQLiteTransaction.commit)
            hints.keep()
            return value
        } catch {
            connection.rollBack()
            forget(since: 0)
            throw error
        }
    }

    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try connection.run(SQLiteTransaction.mark)
        let mark = hints.mark
        do {
            let value = try body(self)
            try connection.run(SQLiteTransaction.release)
            return value
        } catch {
            // When the transaction is lost these fail too, and `whole` throws what broke it.
            if connection.broken == nil {
                try connection.run(SQLiteTransaction.backToMark)
                try connection.run(SQLiteTransaction.release)
            }
            forget(since: mark)
            throw error
        }
    }

    /// Drops what was learnt from rows that are undone.
    private func forget(since mark: Int) {
        hints.undo(to: mark)
        loaded.removeAll(keepingCapacity: true)
        knownHosts.removeAll()
        knownVolunteers.removeAll()
    }

    /// Keeps a unit as it is stored. What is forgotten for it is read again when it is wanted.
    func remember(_ id: WorkUnitID, _ aggregate: WorkUnitAggregate?) {
        if loaded.count >= SQLiteTransaction.loadedMax, loaded[id] == nil {
            loaded.removeAll(keepingCapacity: true)
        }
        loaded[id] = aggregate
    }

    func requireHost(_ id: HostID) throws {
        if knownHosts.contains(id) { return }
        guard try connection.first(HostSQL.hostExists, { $0.integer(id.rawValue) }, { _ in true }) != nil else {
            throw StoreError.missing("host \(id)")
        }
        knownHosts.insert(id)
    }

    func requireVolunteer(_ id: VolunteerID) throws {
        if knownVolunteers.contains(id) { return }
        guard try connection.first(HostSQL.volunteerExists, { $0.integer(id.rawValue) }, { _ in true }) != nil else {
            throw StoreError.missing("volunteer \(id)")
        }
        knownVolunteers.insert(id)
    }
}
