import Domain
import Storage

/// The tables of a `SQLiteStore` inside a transaction. One object serves all transactions of a store, one at a time.
///
/// What every scheduler call reads and writes is kept in memory and written together when the transaction ends: hosts,
/// volunteers and units (`RowCache`), the ends of ledger and log (`Appended`), and which work is open (`OpenWork`).
/// Queries that look at whole tables write it first (`settle`). Savepoints reach the database only when something is
/// written in them.
final class SQLiteTransaction: StoreTransaction {
    let connection: Connection
    private var isOpen = false
    var hostRows = RowCache<HostID, HostRecord>(rowsMax: 65_536)
    var volunteerRows = RowCache<VolunteerID, VolunteerRecord>(rowsMax: 65_536)
    /// A unit takes about a kilobyte.
    var unitRows = RowCache<WorkUnitID, WorkUnitAggregate>(rowsMax: 32_768)
    /// Batches as they are stored; few, and always written at once.
    var batchRows: [BatchID: BatchRecord] = [:]
    var openBatchIDs: [BatchID]?
    var appended = Appended()
    var aside = AsideRows()
    /// The end of the log, for its publisher.
    var recentLeaves = RecentLeaves()
    /// Of all units that are stored or changed here.
    private(set) var open = OpenWork()
    private var openChanges: [(old: WorkUnitAggregate?, new: WorkUnitAggregate?)] = []
    /// Batches of which units were changed in this transaction; and whether their counts are written.
    private(set) var batchesCounted: Set<BatchID> = []
    private var areCountsWritten = true
    /// Hosts and volunteers that are known to exist.
    var knownHosts: Set<HostID> = []
    var knownVolunteers: Set<VolunteerID> = []
    var hints = UnsentHints()

    /// Savepoints in force, outermost first.
    private var savepoints: [Savepoint] = []
    /// Of them, those that the database knows.
    private var issued = 0
    /// So much was changed that how to undo it was dropped: whatever is undone now is read afresh.
    private var hasOverflowed = false
    /// `open` is not what the database has.
    private var mustLoadOpenWork = false

    /// Changes that are remembered for undoing, and units that wait to be written: cancelling or checking a large batch
    /// passes millions of them in one transaction.
    static let changesMax = 4096
    static let batchesMax = 1024

    private struct Savepoint {
        var hosts: Int
        var volunteers: Int
        var units: Int
        var open: Int
        var hints: Int
        var appended: Appended.Mark
        /// How to undo it was dropped; this was changed before it and may not have been written outside of it.
        var lost: Unwritten?
    }

    /// Rows that only memory knows.
    private struct Unwritten {
        var hosts: [HostRecord]
        var volunteers: [VolunteerRecord]
        var units: [WorkUnitAggregate]
        var appended: Appended
        /// Written or not.
        var counts: [BatchID: BatchCounts]
    }

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
        defer { isOpen = false }
        do {
            if mustLoadOpenWork { try loadOpenWork() }
            let value = try body(self)
            try settle()
            try connection.run(SQLiteTransaction.commit)
            kept()
            return value
        } catch {
            connection.rollBack()
            issued = 0
            forget()
            throw error
        }
    }

    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try alive()
        let mark = Savepoint(
            hosts: hostRows.mark, volunteers: volunteerRows.mark, units: unitRows.mark, open: openChanges.count,
            hints: hints.mark, appended: appended.mark)
        savepoints.append(mark)
        defer { savepoints.removeLast() }
        let depth = savepoints.count
        do {
            let value = try body(self)
            if issued == depth {
                try connection.run(SQLiteTransaction.release)
                issued -= 1
            }
            return value
        } catch {
            // When the transaction is lost nothing can be undone alone, and `whole` throws what broke it.
            if connection.broken == nil { try undo(depth) }
            throw error
        }
    }

    /// Undoes the innermost savepoint.
    private func undo(_ depth: Int) throws {
        let mark = savepoints[depth - 1]
        areCountsWritten = batchesCounted.isEmpty
        aside.forget()
        if issued == depth {
            try connection.run(SQLiteTransaction.backToMark)
            try connection.run(SQLiteTransaction.release)
            issued -= 1
        }
        knownHosts.removeAll()
        knownVolunteers.removeAll()
        batchRows.removeAll()
        openBatchIDs = nil
        if let lost = mark.lost { return try restore(lost) }
        hints.undo(to: mark.hints)
        hostRows.undo(to: mark.hosts)
        volunteerRows.undo(to: mark.volunteers)
        unitRows.undo(to: mark.units)
        undoOpen(to: mark.open)
        appended.undo(to: mark.appended)
    }

    /// After a savepoint of which nobody knows what it changed: all rows are read again, but for those that were
    /// changed before it.
    private func restore(_ lost: Unwritten) throws {
        forgetRows()
        // Until it is loaded, and after it, nobody knows how to come back to what was before this transaction.
        hasOverflowed = true
        try loadOpenWork()
        for row in lost.hosts { hostRows.change(row.id, to: row, from: row, isStored: false) }
        for row in lost.volunteers { volunteerRows.change(row.id, to: row, from: row, isStored: false) }
        for row in lost.units {
            open.replace(try storedUnit(row.unit.id), by: row)
            unitRows.change(row.unit.id, to: row, from: row, isStored: false)
        }
        open.setCounts(lost.counts)
        appended = lost.appended
    }

    private func undoOpen(to mark: Int) {
        while openChanges.count > mark, let last = openChanges.popLast() { open.replace(last.new, by: last.old) }
    }

    /// Everything is durable: nothing can be undone any more.
    private func kept() {
        hints.keep()
        recentLeaves.add(appended.leaves, before: appended.nextLeaf, isWhole: !hasOverflowed)
        hostRows.commit()
        volunteerRows.commit()
        unitRows.commit()
        openChanges.removeAll(keepingCapacity: true)
        batchesCounted.removeAll(keepingCapacity: true)
        areCountsWritten = true
        appended.commit()
        hasOverflowed = false
    }

    /// Everything of this transaction is undone.
    private func forget() {
        hints.undo(to: 0)
        batchesCounted.removeAll()
        areCountsWritten = true
        aside.forget()
        knownHosts.removeAll()
        knownVolunteers.removeAll()
        batchRows.removeAll()
        openBatchIDs = nil
        let isKnown = !hasOverflowed
        if isKnown { undoOpen(to: 0) }
        forgetRows()
        // A database that cannot be read says so at the next transaction.
        if !isKnown { mustLoadOpenWork = true }
    }

    private func forgetRows() {
        hints = UnsentHints()
        hostRows.forget()
        volunteerRows.forget()
        unitRows.forget()
        openChanges.removeAll()
        appended.forget()
        hasOverflowed = false
    }

    // MARK: Writing

    /// - Throws: what has broken the transaction.
    func alive() throws {
        if let broken = connection.broken { throw broken }
    }

    /// Tells the database of the savepoints in force.
    private func issue() throws {
        while issued < savepoints.count {
            try connection.run(SQLiteTransaction.mark)
            savepoints[issued].appended.written = appended.mark.written
            issued += 1
        }
    }

    /// Runs a statement that changes something; before the first one of a savepoint the database is told of it.
    @discardableResult
    func write(_ query: Query, _ bind: (inout Binder) -> Void = { _ in }) throws -> Int {
        try issue()
        return try connection.run(query, bind)
    }

    /// Writes what only memory knows.
    func settle() throws {
        try alive()
        if hostRows.dirtyCount == 0, volunteerRows.dirtyCount == 0, unitRows.dirtyCount == 0, !appended.hasUnwritten,
            areCountsWritten
        {
            return
        }
        try issue()
        for change in hostRows.takeDirty() { try writeHost(change.row, over: change.stored) }
        for change in volunteerRows.takeDirty() { try writeVolunteer(change.row) }
        try writeUnits(unitRows.takeDirty())
        try writeAppended()
        try writeCounts()
        areCountsWritten = true
    }

    /// Keeps memory bounded in a transaction without an end.
    func settleIfLarge() throws {
        if unitRows.dirtyCount >= SQLiteTransaction.changesMax { try settle() }
        let changes = unitRows.mark + hostRows.mark + volunteerRows.mark + appended.count
        let isCrowded = unitRows.isCrowded || hostRows.isCrowded || volunteerRows.isCrowded
        guard isCrowded || changes >= 8 * SQLiteTransaction.changesMax else { return }
        for at in savepoints.indices where savepoints[at].lost == nil {
            savepoints[at].lost = unwritten(before: savepoints[at])
        }
        try settle()
        hostRows.commit()
        volunteerRows.commit()
        unitRows.commit()
        openChanges.removeAll()
        appended.commit()
        hasOverflowed = true
    }

    /// What was changed before a savepoint and is not in the database outside of it.
    private func unwritten(before mark: Savepoint) -> Unwritten {
        var (hosts, volunteers, units, appended) = (hostRows, volunteerRows, unitRows, appended)
        hosts.undo(to: mark.hosts)
        volunteers.undo(to: mark.volunteers)
        units.undo(to: mark.units)
        appended.undo(to: mark.appended)
        return Unwritten(
            hosts: hosts.takeDirty().map(\.row), volunteers: volunteers.takeDirty().map(\.row),
            units: units.takeDirty().map(\.row), appended: appended.unwritten,
            counts: open.counts(before: openChanges[mark.open...]))
    }

    // MARK: Open work

    func replaceOpen(_ old: WorkUnitAggregate?, by new: WorkUnitAggregate?) {
        open.replace(old, by: new)
        openChanges.append((old, new))
        if let batch = (new ?? old)?.unit.id.batch { batchesCounted.insert(batch) }
        areCountsWritten = false
    }

    func loadOpenWork() throws {
        open = try readOpenWork()
        mustLoadOpenWork = false
    }

    // MARK: Who exists

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
