import Domain
import Storage

/// What one transaction truly wrote.
struct Written {
    /// Units that were made or saved, in the order of their first change.
    var units: [WorkUnitID] = []
    var ledger: [LedgerEntry] = []
    /// Tasks that left for a host, with the host's record as it was at that moment.
    var sent: [(task: SchedulableTask, host: HostRecord)] = []
}

/// The innermost wrapper: sees what really reaches the store, whatever stands between it and the server.
final class WatchedStore: Store {
    let base: any Store
    /// Of the last transaction that was committed.
    private(set) var written = Written()
    /// Rows written since the start, those included that were undone later.
    var rowsEver: Int { counter.rows }
    private let counter = RowCounter()

    init(_ base: any Store) {
        self.base = base
    }

    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        written = Written()
        var seen = Written()
        let value = try base.transaction { tx in
            let watched = WatchedTransaction(tx, counter)
            defer { seen = watched.written }
            return try body(watched)
        }
        written = seen
        return value
    }
}

private final class RowCounter {
    var rows = 0
}

private final class WatchedTransaction: ForwardingTransaction {
    var written = Written()
    private let counter: RowCounter

    init(_ base: any StoreTransaction, _ counter: RowCounter) {
        self.counter = counter
        super.init(base)
    }

    override func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        let before = written
        do {
            return try super.savepoint(body)
        } catch {
            written = before
            throw error
        }
    }

    override func insertWorkUnits(_ units: [WorkUnitAggregate]) throws {
        try super.insertWorkUnits(units)
        counter.rows += units.count
        written.units += units.map(\.unit.id)
    }

    override func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws {
        try noteSent(aggregate)
        try super.saveWorkUnit(aggregate)
        counter.rows += 1
        if !written.units.contains(aggregate.unit.id) { written.units.append(aggregate.unit.id) }
    }

    private func noteSent(_ new: WorkUnitAggregate) throws {
        guard let old = try base.workUnit(new.unit.id) else { return }
        for task in new.tasks {
            guard case .sent(let assignment) = task.state else { continue }
            if task.id.ordinal < old.tasks.count, case .sent = old.tasks[task.id.ordinal].state { continue }
            if let host = try base.host(assignment.host) {
                written.sent.append((SchedulableTask(task, of: new.unit), host))
            }
        }
    }

    override func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord {
        counter.rows += 1
        return try super.insertBatch(make)
    }

    override func updateBatch(_ batch: BatchRecord) throws {
        counter.rows += 1
        try super.updateBatch(batch)
    }

    override func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        counter.rows += 1
        return try super.insertVolunteer(make)
    }

    override func updateVolunteer(_ volunteer: VolunteerRecord) throws {
        counter.rows += 1
        try super.updateVolunteer(volunteer)
    }

    override func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord {
        counter.rows += 1
        return try super.insertHost(make)
    }

    override func updateHost(_ host: HostRecord) throws {
        counter.rows += 1
        try super.updateHost(host)
    }

    override func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry {
        let numbered = try super.appendLedger(entry)
        counter.rows += 1
        written.ledger.append(numbered)
        return numbered
    }
}
