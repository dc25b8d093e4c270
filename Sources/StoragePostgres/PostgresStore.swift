import Domain
import Storage

/// The server's memory in a PostgreSQL database, shared by any number of server processes: durable before `transaction`
/// returns.
///
/// Used from one thread at a time. Transactions of several stores on one database come one after the other: each takes
/// one lock at its beginning, so none ever fails for another's sake. Rows stay in memory from transaction to
/// transaction as long as no other process changed them, which every commit tells the others (`ChangeNote`).
///
/// When the connection is lost, the transaction throws `StoreError.io` and nothing of it is kept; the next one connects
/// again. Should it be lost while the commit is on its way, the store asks the server what became of it, and throws
/// `StoreError.uncertain` when nobody answers.
public final class PostgresStore: Store {
    private let tables: PostgresTransaction

    /// Connects, makes the tables when the schema is empty, and brings older ones to the present version.
    ///
    /// - Parameter conninfo: as libpq takes it, a URI or `key=value`; the schema is the first of its `search_path`.
    /// - Throws: `StoreError.newerSchema`, `.corrupt`, `.io`.
    public init(_ conninfo: String, options: PostgresOptions = PostgresOptions()) throws {
        tables = PostgresTransaction(Session(conninfo, options: options))
        try tables.connect()
    }

    /// The schema version this program reads and writes.
    public static var schemaVersion: Int { Migration.current }

    /// The SQL of every schema version, in order.
    public static var migrations: [String] { Migration.all.map(\.sql) }

    public func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try tables.whole(body)
    }

    /// How often the present connection was waited for: what a transaction costs besides its statements.
    package var roundTrips: Int { tables.connection?.roundTrips ?? 0 }

    /// Units that the transaction in progress has changed and not written yet.
    package var unitsUnwritten: Int { tables.unitRows.dirtyCount }

    private static let setting = Query("SELECT current_setting($1)")

    /// What the server says of a setting, inside of a transaction.
    package func setting(_ name: String) -> String? {
        try? tables.first(PostgresStore.setting, { $0.text(name) }, { $0.text() })
    }
}
