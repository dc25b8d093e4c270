import Domain
import Storage

/// How a database is opened.
public struct SQLiteOptions: Sendable {
    /// Walk through the file at open and refuse a damaged one, when it has at most so many bytes: that takes about a
    /// second per 300 MB. A larger one starts at once; `fsck` walks through any.
    public var quickCheckBytesMax: Int64 = 256 << 20
    /// Pages of 4 KiB beyond which the database says that the disk is full; nil: the disk decides.
    public var pageCountMax: Int?
    /// How long to wait for another process that holds the file, such as a backup.
    public var busyTimeout = TimeSpan(milliseconds: 5000)

    public init() {}
}

/// The server's memory in one SQLite file: WAL, one writer, durable before `transaction` returns.
///
/// Used from one thread at a time. A second store on the same file, in this or another process, is refused; tools that
/// only read, such as `sqlite3` or a backup, may look at the file meanwhile.
///
/// `transactionDeferred` leaves the sync of the write-ahead log to `durability`, on whatever thread; SQLite itself
/// syncs the log before it moves pages from there into the database file (`synchronous = NORMAL`), so that the file is
/// never ahead of the log, and what a lost machine has of the log is a whole number of transactions, from the first one
/// on.
public final class SQLiteStore: DeferringStore {
    let connection: Connection
    private let log: LogSync
    private var isDeferring = false
    let tables: SQLiteTransaction
    /// Held as long as the store lives.
    private let lock: FileLock?

    /// Opens the database, makes it when there is none, and brings an older one to the present schema.
    ///
    /// - Throws: `StoreError.locked` when another store holds the file, `.newerSchema`, `.corrupt`, `.io`.
    public convenience init(path: String, options: SQLiteOptions = SQLiteOptions()) throws {
        let lock = try FileLock(path + ".lock")
        try self.init(file: path, lock: lock, options: options)
    }

    /// A database in memory, for tests and simulations.
    public static func inMemory(options: SQLiteOptions = SQLiteOptions()) throws -> SQLiteStore {
        try SQLiteStore(file: ":memory:", lock: nil, options: options)
    }

    private init(file: String, lock: FileLock?, options: SQLiteOptions) throws {
        self.lock = lock
        log = LogSync(path: lock == nil ? nil : file + "-wal")
        connection = try Connection(file: file)
        tables = SQLiteTransaction(connection)
        try connection.script("PRAGMA busy_timeout = \(options.busyTimeout.milliseconds)")
        let version = try Migration.version(of: connection)
        let pages = Int64(try connection.text("PRAGMA page_count")) ?? 0
        let pageBytes = Int64(try connection.text("PRAGMA page_size")) ?? 4096
        if pages * pageBytes <= options.quickCheckBytesMax {
            let verdict = try connection.text("PRAGMA quick_check(1)")
            guard verdict == "ok" else { throw StoreError.corrupt("\(file): \(verdict)") }
        }
        let mode = try connection.text("PRAGMA journal_mode = WAL")
        guard mode == (lock == nil ? "memory" : "wal") else {
            throw StoreError.io("\(file): this file system cannot hold a write-ahead log (journal mode \(mode))")
        }
        // What is erased is to be gone from the file: Debian's SQLite overwrites it anyhow, others leave it in place.
        // References are looked at by the store itself before it writes, and by `danglingReferences`. SQLite would look
        // through all tasks for each unit that is removed: tasks have no index by unit, which would cost every call.
        try connection.script(
            """
            PRAGMA synchronous = FULL;
            PRAGMA foreign_keys = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA trusted_schema = OFF;
            PRAGMA secure_delete = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -16384;
            PRAGMA journal_size_limit = 67108864;
            PRAGMA wal_autocheckpoint = 8192;
            """)
        if let pages = options.pageCountMax { try connection.script("PRAGMA max_page_count = \(pages)") }
        beginLogAnew()
        try Migration.run(on: connection, from: version)
        try tables.loadOpenWork()
    }

    /// A log that a lost disk did not take is in the kernel's memory only, and nobody would ever tell: what is in it is
    /// moved into the file, which is synced. On a full disk it stays, as it may as long as nothing was lost.
    private func beginLogAnew() {
        do { try connection.script("PRAGMA wal_checkpoint(TRUNCATE)") } catch { connection.rollBack() }
    }

    /// The schema version this program reads and writes.
    public static var schemaVersion: Int { Migration.current }

    /// The SQL of every schema version, in order.
    public static var migrations: [String] { Migration.all.map(\.sql) }

    /// Whatever goes wrong before COMMIT has returned, the state is as before. A commit that fails with `io` is undone
    /// here, but a machine that dies right afterwards may find it done: callers must be able to repeat a transaction.
    public func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        guard isDeferring else { return try tables.whole(body) }
        let value = try transactionDeferred(body)
        try log.wait()
        return value
    }

    public func transactionDeferred<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        if !isDeferring {
            try connection.script("PRAGMA synchronous = NORMAL")
            isDeferring = true
        }
        return try tables.whole(body)
    }

    public var durability: any StoreDurability { log }

    /// Units that the transaction in progress has changed and not written yet.
    package var unitsUnwritten: Int { tables.unitRows.dirtyCount }

    /// Rows that name rows which are not there. - Returns: a line each, `limit` at most.
    public func danglingReferences(limit: Int = 20) throws -> [String] {
        try connection.all(
            Query("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT ?"), { $0.integer(limit) }
        ) { row in
            let (table, id, parent) = (row.text(), row.optionalInteger(), row.text())
            return "\(table) \(id.map { "\($0)" } ?? ""): names a \(parent) that is not there"
        }
    }

    /// Triggers of the schema that somebody has removed. - Returns: a line each.
    public func missingTriggers() throws -> [String] {
        try Schema.missingTriggers(in: connection).map { "the database's \($0) is missing" }
    }

    /// Moves what the log holds into the database file, for a copy of the file. Waits for readers no longer than the
    /// busy time-out.
    public func checkpoint() throws {
        try connection.script("PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
