import CPostgres

/// A statement's text, prepared once per connection. Known by identity, so that finding it costs no hash of the text.
final class Query: Sendable {
    let sql: String
    /// Types of the columns when it takes whole columns of values; empty when it takes single values.
    let columns: [ColumnType]

    init(_ sql: String, columns: [ColumnType] = []) {
        self.sql = sql
        self.columns = columns
    }
}

/// The types that the schema knows, with their numbers in PostgreSQL's catalogue.
enum ColumnType: UInt32, Sendable {
    case integer = 20
    case real = 701
    case bytes = 17
    case text = 25

    var name: String {
        switch self {
        case .integer: "bigint"
        case .real: "double precision"
        case .bytes: "bytea"
        case .text: "text"
        }
    }
}

/// Columns of a table in the order in which rows are written and read.
struct Columns: Sendable {
    let names: [String]
    let types: [ColumnType]

    /// - Parameter text: names with a suffix for the type where it is not an integer: `name:t size digest:b cpu:r`.
    init(_ text: String) {
        let parts = text.split { $0.isWhitespace }.map { $0.split(separator: ":") }
        names = parts.map { String($0[0]) }
        types = parts.map { part in
            switch part.count > 1 ? part[1] : "i" {
            case "t": .text
            case "b": .bytes
            case "r": .real
            default: .integer
            }
        }
    }

    var list: String { names.joined(separator: ", ") }

    /// The columns that the binder gives, as a table `v`.
    var values: String {
        let arrays = types.enumerated().map { "$\($0.offset + 1)::\($0.element.name)[]" }
        return "unnest(\(arrays.joined(separator: ", "))) AS v (\(list))"
    }

    func insert(into table: String, onConflict: String = "") -> Query {
        Query("INSERT INTO \(table) AS t (\(list)) SELECT \(list) FROM \(values) \(onConflict)", columns: types)
    }

    /// The first `keys` columns say which row; the others are set. `plus` is set besides.
    func update(_ table: String, keys: Int = 1, plus: String = "") -> Query {
        let settings = names.dropFirst(keys).map { "\($0) = v.\($0)" }.joined(separator: ", ")
        let place = names.prefix(keys).map { "t.\($0) = v.\($0)" }.joined(separator: " AND ")
        return Query("UPDATE \(table) AS t SET \(settings)\(plus) FROM \(values) WHERE \(place)", columns: types)
    }
}
