import Domain
import Storage

/// All rows of a `SQLiteStore`. While it lives the store must not be used for anything else.
public final class SQLiteArchive: TableArchive {
    private let store: SQLiteStore
    private var connection: Connection { store.connection }
    private var queries: [String: Query] = [:]

    /// Begins a transaction in which nobody else writes.
    public init(_ store: SQLiteStore) throws {
        self.store = store
        try connection.script("BEGIN IMMEDIATE")
    }

    deinit { connection.rollBack() }

    public func rows(of table: TableShape, after last: [Cell]?, limit: Int) throws -> [[Cell]] {
        let query = query("read \(table.name) \(last == nil)") { table.page(isFirst: last == nil) { "?\($0)" } }
        return try connection.all(
            query,
            { to in
                for cell in last ?? [] { to.cell(cell) }
                to.integer(limit)
            }, { row in table.columns.map { row.cell($0.kind) } })
    }

    public func insert(_ rows: [[Cell]], into table: TableShape) throws {
        let marks = (1...table.columns.count).map { "?\($0)" }.joined(separator: ", ")
        let query = query("write \(table.name)") { "INSERT INTO \(table.name) (\(table.list)) VALUES (\(marks))" }
        for row in rows { try connection.run(query) { to in for cell in row { to.cell(cell) } } }
    }

    public func commit() throws { try connection.script("COMMIT") }

    private func query(_ key: String, _ sql: () -> String) -> Query {
        if let known = queries[key] { return known }
        let made = Query(sql())
        queries[key] = made
        return made
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
