import CSQLite
import Domain

/// Binds parameters in order. The first failure is kept in `code`.
struct Binder {
    private let statement: OpaquePointer
    private(set) var count: Int32 = 0
    private(set) var code: Int32 = SQLITE_OK

    init(_ statement: OpaquePointer) {
        self.statement = statement
    }

    private mutating func next(_ bind: (OpaquePointer, Int32) -> Int32) {
        count += 1
        let result = bind(statement, count)
        if code == SQLITE_OK { code = result }
    }

    mutating func null() {
        next { sqlite3_bind_null($0, $1) }
    }

    mutating func integer(_ value: Int64) {
        next { sqlite3_bind_int64($0, $1, value) }
    }

    mutating func integer(_ value: Int64?) {
        if let value { integer(value) } else { null() }
    }

    mutating func integer(_ value: Int) { integer(Int64(value)) }
    mutating func boolean(_ value: Bool) { integer(value ? 1 : 0) }
    mutating func time(_ value: Timestamp) { integer(value.milliseconds) }

    /// A number that is none becomes NULL, as SQLite has it.
    mutating func real(_ value: Double) {
        next { sqlite3_bind_double($0, $1, value) }
    }

    mutating func real(_ value: Double?) {
        if let value { real(value) } else { null() }
    }

    mutating func text(_ value: String) {
        var value = value
        next { statement, index in
            value.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) { characters in
                    // An empty buffer may have no address, which SQLite would take for NULL.
                    characters.baseAddress.map {
                        millrace_sqlite_bind_text(statement, index, $0, Int32(characters.count))
                    } ?? millrace_sqlite_bind_text(statement, index, "", 0)
                }
            }
        }
    }

    mutating func text(_ value: String?) {
        if let value { text(value) } else { null() }
    }

    mutating func blob(_ value: [UInt8]) {
        next { statement, index in
            value.isEmpty
                ? sqlite3_bind_zeroblob(statement, index, 0)
                : millrace_sqlite_bind_blob(statement, index, value, Int32(value.count))
        }
    }

    mutating func digest(_ value: Digest) { blob(value.bytes) }
}
