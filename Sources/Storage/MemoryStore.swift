import Domain

/// A store that forgets with its process: the reference that databases are compared with, and the simulator's store.
///
/// Transactions change the tables in place and keep how to undo each change, so that a transaction costs what it does,
/// not what is stored.
public final class MemoryStore: Store {
    private let tables = MemoryTables()

    public init() {}

    public func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        guard !tables.isOpen else { throw StoreError.conflict("a transaction inside a transaction") }
        tables.isOpen = true
        defer {
            tables.isOpen = false
            tables.undo.removeAll(keepingCapacity: true)
        }
        return try tables.savepoint(body)
    }
}

/// All tables of a `MemoryStore`, with what is needed to undo.
final class MemoryTables: StoreTransaction {
    var isOpen = false
    var undo: [(MemoryTables) -> Void] = []

    var batchRows: [BatchRecord] = []
    /// By number, from 1, like hosts and the ledger: nothing is ever removed.
    var volunteerRows: [VolunteerRecord] = []
    var hostRows: [HostRecord] = []
    var hostsByKey: [[UInt8]: HostID] = [:]
    var ledgerRows: [LedgerEntry] = []
    /// Places of a task's entries.
    var ledgerByTask: [TaskID: [Int]] = [:]

    var teamRows: [TeamRecord] = []
    /// By UTF-8: text that looks alike but has other bytes is another name, as in a database.
    var teamsByName: [[UInt8]: TeamID] = [:]
    var linkRows: [Digest: LinkCodeRecord] = [:]
    /// In order of time.
    var membershipRows: [VolunteerID: [Membership]] = [:]
    var creditDayRows: [HostID: [CreditDayKey: Credit]] = [:]

    var logRows: [[UInt8]] = []
    var logEdgeRow: [UInt8]?

    var trustRows: [SeriesKey: TrustRecord] = [:]
    var seriesRows: [TaskID: SeriesEntry] = [:]
    /// Tasks of a series by sequence, from 1.
    var seriesOrder: [SeriesKey: [Int64: TaskID]] = [:]
    /// Sequences that wait for a second result, and such as stand, by series; tasks that stand, by number.
    var seriesChecking: [SeriesKey: SortedNumbers] = [:]
    var seriesStanding: [SeriesKey: SortedNumbers] = [:]
    var standingTasks = SortedNumbers()

    var units: [Int64: WorkUnitAggregate] = [:]
    var unitOrder = SortedNumbers()
    var open = OpenWork()

    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        let mark = undo.count
        do {
            return try body(self)
        } catch {
            while undo.count > mark { undo.removeLast()(self) }
            throw error
        }
    }

    /// Changes one field and remembers its old value.
    func set<Value>(_ field: ReferenceWritableKeyPath<MemoryTables, Value>, to value: Value) {
        let old = self[keyPath: field]
        undo.append { $0[keyPath: field] = old }
        self[keyPath: field] = value
    }

    /// The same for one entry of a table. A key path without an entry's key in it is made once and not at every call.
    func set<Key, Value>(
        _ key: Key, of table: ReferenceWritableKeyPath<MemoryTables, [Key: Value]>, to value: Value?
    ) {
        let old = self[keyPath: table][key]
        undo.append { $0[keyPath: table][key] = old }
        self[keyPath: table][key] = value
    }

    func set<Row>(row place: Int, of rows: ReferenceWritableKeyPath<MemoryTables, [Row]>, to row: Row) {
        let old = self[keyPath: rows][place]
        undo.append { $0[keyPath: rows][place] = old }
        self[keyPath: rows][place] = row
    }

    func append<Row>(_ row: Row, to rows: ReferenceWritableKeyPath<MemoryTables, [Row]>) {
        self[keyPath: rows].append(row)
        undo.append { $0[keyPath: rows].removeLast() }
    }
}
