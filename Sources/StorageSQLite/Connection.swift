import CSQLite
import Glibc
import Storage

/// A statement's text, prepared once per connection. Known by identity, so that finding it costs no hash of the text.
final class Query: Sendable {
    let sql: String

    init(_ sql: String) {
        self.sql = sql
    }
}

/// One connection to SQLite: open, prepare once, bind by type, step, and errors that say everything.
///
/// Used from one thread at a time. After an error that leaves the transaction in doubt (`broken`), every statement
/// fails with that error until `rollBack`.
final class Connection {
    /// For messages: the file, or `:memory:`.
    let file: String
    private let handle: OpaquePointer
    private var statements: [ObjectIdentifier: OpaquePointer] = [:]
    private(set) var broken: StoreError?

    /// - Throws: `StoreError.io` when the file cannot be opened or made.
    init(file: String) throws {
        self.file = file
        _ = Connection.quietLibrary
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(file, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw StoreError.io("\(file): \(message) (SQLite \(code))")
        }
        handle = opened
        for ending in ["", "-wal", "-shm"] { Connection.keepPrivate(file + ending) }
    }

    /// Nobody but its owner, and a group that the owner lets in, may read it, whatever the umask was when it was made;
    /// SQLite gives the files beside it the same mode. By its path: closing the file anywhere in this process would end
    /// SQLite's locks on it.
    private static func keepPrivate(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o007 != 0 else { return }
        chmod(path, status.st_mode & 0o770)
    }

    private static let quietLibrary = millrace_sqlite_without_statistics()

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Runs statements that have no parameters and whose rows do not matter.
    func script(_ sql: String) throws {
        if let broken { throw broken }
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    /// The first column of the first row of a statement that is not worth keeping.
    func text(_ sql: String) throws -> String {
        let query = Query(sql)
        defer { forget(query) }
        return try first(query, { _ in }, { $0.optionalText() ?? "" }) ?? ""
    }

    /// Runs a statement to its end. - Returns: how many rows it changed, triggers not counted.
    @discardableResult
    func run(_ query: Query, _ bind: (inout Binder) -> Void = { _ in }) throws -> Int {
        let statement = try prepared(query, bind)
        defer { sqlite3_reset(statement) }
        let code = sqlite3_step(statement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code, query.sql) }
        return Int(sqlite3_changes(handle))
    }

    func all<T>(_ query: Query, _ read: (inout Row) throws -> T) throws -> [T] {
        try all(query, { _ in }, read)
    }

    func all<T>(
        _ query: Query, _ bind: (inout Binder) -> Void, _ read: (inout Row) throws -> T
    ) throws -> [T] {
        let statement = try prepared(query, bind)
        defer { sqlite3_reset(statement) }
        var rows: [T] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw failure(code, query.sql) }
            var row = Row(statement)
            rows.append(try read(&row))
        }
    }

    func first<T>(_ query: Query, _ read: (inout Row) throws -> T) throws -> T? {
        try first(query, { _ in }, read)
    }

    /// The first row, or nil.
    func first<T>(
        _ query: Query, _ bind: (inout Binder) -> Void, _ read: (inout Row) throws -> T
    ) throws -> T? {
        let statement = try prepared(query, bind)
        defer { sqlite3_reset(statement) }
        let code = sqlite3_step(statement)
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw failure(code, query.sql) }
        var row = Row(statement)
        return try read(&row)
    }

    /// Loses the transaction for a reason that the database does not see. - Returns: the reason.
    func lose(_ error: StoreError) -> StoreError {
        broken = broken ?? error
        return error
    }

    /// Ends the open transaction, if there still is one, and with it the doubt. Damage stays.
    func rollBack() {
        if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
        if case .corrupt? = broken { return }
        broken = nil
    }

    private func prepared(_ query: Query, _ bind: (inout Binder) -> Void) throws -> OpaquePointer {
        if let broken { throw broken }
        let key = ObjectIdentifier(query)
        let statement: OpaquePointer
        if let cached = statements[key] {
            statement = cached
        } else {
            var made: OpaquePointer?
            let code = sqlite3_prepare_v3(
                handle, query.sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
            guard code == SQLITE_OK, let made else { throw failure(code, query.sql) }
            statements[key] = made
            statement = made
        }
        var binder = Binder(statement)
        bind(&binder)
        guard binder.code == SQLITE_OK else { throw failure(binder.code, query.sql) }
        assert(binder.count == sqlite3_bind_parameter_count(statement), query.sql)
        return statement
    }

    private func forget(_ query: Query) {
        sqlite3_finalize(statements.removeValue(forKey: ObjectIdentifier(query)))
    }

    /// Turns a result code into what a store says. Call at once: the message is that of the last call.
    private func failure(_ code: Int32, _ sql: String) -> StoreError {
        let message = String(cString: sqlite3_errmsg(handle))
        let line = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let text = "\(file): \(message) (SQLite \(code)) in: \(line.prefix(200))"
        switch code {
        case SQLITEExtended.primaryKey, SQLITEExtended.unique: return .duplicate(text)
        case SQLITEExtended.foreignKey: return .missing(text)
        default: break
        }
        let error: StoreError =
            switch code & 0xff {
            case SQLITE_BUSY, SQLITE_LOCKED: .locked(text)
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt(text)
            case SQLITE_CONSTRAINT, SQLITE_MISMATCH: .conflict(text)
            default: .io(text)
            }
        // StoreRules refuses beforehand what a constraint would; one that speaks up after all finds the operation
        // half done, so the whole transaction must go, as after a failure of the disk.
        broken = error
        return error
    }
}

/// Extended result codes, which are macros with shifts that Swift does not import.
private enum SQLITEExtended {
    static let foreignKey = SQLITE_CONSTRAINT | 3 << 8
    static let primaryKey = SQLITE_CONSTRAINT | 6 << 8
    static let unique = SQLITE_CONSTRAINT | 8 << 8
}
