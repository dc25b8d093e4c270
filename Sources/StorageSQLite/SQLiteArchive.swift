import Domain
import Storage

/// All rows of a `SQLiteStore`. While it lives the store must not be used for anything else.
public final class SQLiteArchive: TableArchive {
    private let store: SQLiteStore
    private var connection: Connection { store.connection }

    // A connection knows statements by the identity of these, so they must live as long as any.
    private static let firstPages = queries { $0.page(isFirst: true) { "?\($0)" } }
    private static let nextPages = queries { $0.page(isFirst: false) { "?\($0)" } }
    private static let inserts = queries { table in
        let marks = (1...table.columns.count).map { "?\($0)" }.joined(separator: ", ")
        return "INSERT INTO \(table.name) (\(table.list)) VALUES (\(marks))"
    }

    private static func queries(_ sql: (TableShape) -> String) -> [String: Query] {
        Dictionary(uniqueKeysWithValues: TableShape.all.map { ($0.name, Query(sql($0))) })
    }

    private func query(_ queries: [String: Query], _ table: TableShape) throws -> Query {
        guard let found = queries[table.name] else { throw StoreError.missing("table \(table.name)") }
        return found
    }

    /// Begins a transaction in which nobody else writes.
    public init(_ store: SQLiteStore) throws {
        self.store = store
        try connection.script("BEGIN IMMEDIATE")
    }

    deinit { connection.rollBack() }

    public func rows(of table: TableShape, after last: [Cell]?, limit: Int) throws -> [[Cell]] {
        let query = try query(last == nil ? SQLiteArchive.firstPages : SQLiteArchive.nextPages, table)
        return try connection.all(
            query,
            { to in
                for cell in last ?? [] { to.cell(cell) }
                to.integer(limit)
            }, { row in table.columns.map { row.cell($0.kind) } })
    }

    public func insert(_ rows: [[Cell]], into table: TableShape) throws {
        let query = try query(SQLiteArchive.inserts, table)
        for row in rows { try connection.run(query) { to in for cell in row { to.cell(cell) } } }
    }

    public func derive() throws {
        try connection.script(
            """
            INSERT INTO batch_count
            SELECT
                u.id >> 36, sum(u.state = 0), sum(u.state = 1), sum(u.state = 2), sum(u.state = 8), sum(u.state = 3),
                sum(u.state IN (4, 5)), sum(u.state = 6), sum(u.state = 7),
                (
                    SELECT count(*) FROM task t
                    WHERE t.id >= (u.id >> 36) << 42 AND t.id < ((u.id >> 36) + 1) << 42 AND t.state = 1),
                (
                    SELECT count(*) FROM task t
                    WHERE t.id >= (u.id >> 36) << 42 AND t.id < ((u.id >> 36) + 1) << 42 AND t.state IN (2, 3, 4))
            FROM work_unit u GROUP BY u.id >> 36;
            INSERT INTO project_balance
            SELECT project, sum(amount)
            FROM (
                SELECT debit_project AS project, -amount AS amount FROM ledger WHERE debit_project IS NOT NULL
                UNION ALL SELECT credit_project, amount FROM ledger WHERE credit_project IS NOT NULL)
            GROUP BY project;
            INSERT INTO host_balance
            SELECT host, sum(iif(is_provisional, 0, amount)), sum(iif(is_provisional, amount, 0))
            FROM (
                SELECT debit_host AS host, -amount AS amount, kind IN (3, 4) AS is_provisional
                FROM ledger WHERE debit_host IS NOT NULL
                UNION ALL SELECT credit_host, amount, kind = 2 FROM ledger WHERE credit_host IS NOT NULL)
            GROUP BY host;
            """)
    }

    /// Its transaction ends with this object.
    public func confirm() throws {}

    public func commit() throws {
        try connection.script("COMMIT")
        // What the store has in memory is of the time before.
        try store.tables.loadOpenWork()
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
        if isNextNull {
            skip(1)
            return .null
        }
        switch kind {
        case .integer: return .integer(integer())
        case .real: return .real(real())
        case .text: return .text(text())
        case .bytes: return .bytes(blob())
        }
    }
}
