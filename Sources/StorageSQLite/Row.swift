import CSQLite
import Domain
import Storage

/// Reads the columns of the present row in order.
struct Row {
    private let statement: OpaquePointer
    private var column: Int32 = 0

    init(_ statement: OpaquePointer) {
        self.statement = statement
    }

    private mutating func next() -> Int32 {
        defer { column += 1 }
        return column
    }

    private func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(statement, column) == SQLITE_NULL
    }

    mutating func skip(_ count: Int32) { column += count }
    var isNextNull: Bool { isNull(column) }

    mutating func integer() -> Int64 { sqlite3_column_int64(statement, next()) }

    mutating func optionalInteger() -> Int64? {
        let column = next()
        return isNull(column) ? nil : sqlite3_column_int64(statement, column)
    }

    mutating func int() -> Int { Int(integer()) }
    mutating func boolean() -> Bool { integer() != 0 }
    mutating func time() -> Timestamp { Timestamp(milliseconds: integer()) }
    mutating func real() -> Double { sqlite3_column_double(statement, next()) }

    mutating func optionalReal() -> Double? {
        let column = next()
        return isNull(column) ? nil : sqlite3_column_double(statement, column)
    }

    mutating func text() -> String { optionalText() ?? "" }

    mutating func optionalText() -> String? {
        let column = next()
        guard let characters = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: characters, count: count), as: UTF8.self)
    }

    mutating func blob() -> [UInt8] {
        let column = next()
        guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
    }

    /// - Throws: `StoreError.corrupt` when the column does not hold 32 bytes.
    mutating func digest() throws -> Digest {
        guard let digest = Digest(bytes: blob()) else { throw StoreError.corrupt("a digest without 32 bytes") }
        return digest
    }
}
