import Domain
import Storage

/// All rows of a database that no server uses, and none can use while it lives.
public final class PostgresArchive: TableArchive {
    private let session: Session
    private let connection: Connection

    // A connection knows statements by the identity of these, so they must live as long as any.
    private static let firstPages = queries { Query($0.page(isFirst: true) { "$\($0)" }) }
    private static let nextPages = queries { Query($0.page(isFirst: false) { "$\($0)" }) }
    private static let inserts = queries { table in
        let columns = table.columns.map { column in
            let suffix =
                switch column.kind {
                case .integer: ""
                case .real: ":r"
                case .text: ":t"
                case .bytes: ":b"
                }
            return column.name + suffix
        }
        return Columns(columns.joined(separator: " ")).insert(into: table.name)
    }

    private static func queries(_ make: (TableShape) -> Query) -> [String: Query] {
        Dictionary(uniqueKeysWithValues: TableShape.all.map { ($0.name, make($0)) })
    }

    private func query(_ queries: [String: Query], _ table: TableShape) throws -> Query {
        guard let found = queries[table.name] else { throw StoreError.missing("table \(table.name)") }
        return found
    }

    private static let begin = Query("BEGIN")
    private static let ping = Query("SELECT 1::bigint")
    private static let end = Query("COMMIT")
    /// What stores that are connected already know of the database is out of date.
    private static let tell = Query(
        "INSERT INTO change (generation, writer, note) SELECT max(generation) + 1, 0, '' FROM change")

    /// Connects, makes the tables if there are none, and begins a transaction.
    /// - Throws: `StoreError.locked` when a server uses the database; as `PostgresStore`.
    public init(_ conninfo: String, options: PostgresOptions = PostgresOptions()) throws {
        var options = options
        options.use = .alone
        session = Session(conninfo, options: options)
        connection = try session.connection()
        try connection.send(PostgresArchive.begin)
        _ = try connection.exchange(keeping: 0)
    }

    deinit { connection.rollBack() }

    public func rows(of table: TableShape, after last: [Cell]?, limit: Int) throws -> [[Cell]] {
        let query = try query(last == nil ? PostgresArchive.firstPages : PostgresArchive.nextPages, table)
        return try connection.all(
            query,
            { to in
                for cell in last ?? [] { to.cell(cell) }
                to.integer(limit)
            }, { row in table.columns.map { row.cell($0.kind) } })
    }

    public func insert(_ rows: [[Cell]], into table: TableShape) throws {
        let query = try query(PostgresArchive.inserts, table)
        try connection.send(query) { to in for row in rows { for cell in row { to.cell(cell) } } }
        _ = try connection.exchange(keeping: 0)
    }

    /// Triggers have done it.
    public func derive() throws {}

    /// The lock ends with the session.
    public func confirm() throws { _ = try connection.first(PostgresArchive.ping) { $0.integer() } }

    public func commit() throws {
        try connection.send(PostgresArchive.tell)
        try connection.send(PostgresArchive.end)
        _ = try connection.exchange(keeping: 0)
    }
}

extension Binder {
    fileprivate mutating func cell(_ cell: Cell) {
        switch cell {
        case .null: null()
        case .integer(let value): integer(value)
        case .real(let value): real(value)
        case .text(let value): text(value)
        case .bytes(let value): blob(value)
        }
    }
}

extension Row {
    fileprivate mutating func cell(_ kind: TableShape.Kind) -> Cell {
        switch kind {
        case .integer: optionalInteger().map { .integer($0) } ?? .null
        case .real: optionalReal().map { .real($0) } ?? .null
        case .text: optionalText().map { .text($0) } ?? .null
        case .bytes: optionalBlob().map { .bytes($0) } ?? .null
        }
    }
}
