import CPostgres
import Glibc
import Storage

/// One connection to PostgreSQL in libpq's pipeline mode: statements are sent and prepared once, answers are read
/// together when one of them is wanted.
///
/// Used from one thread at a time. After an error that leaves the transaction in doubt (`broken`), every statement
/// fails with that error until `rollBack`.
final class Connection {
    /// For messages: server and database, never a password.
    let name: String
    private let handle: OpaquePointer
    private var prepared: [ObjectIdentifier: String] = [:]
    private var preparations = 0
    private var pending: [Pending] = []
    private(set) var broken: StoreError?
    /// Nothing more can be said to the server.
    private(set) var isLost = false
    private(set) var roundTrips = 0

    private enum Pending {
        /// What was prepared.
        case preparation(ObjectIdentifier)
        case statement(Query)
        case sync
    }

    /// - Parameter conninfo: what libpq takes: `postgres://…` or `key=value …`.
    /// - Throws: `StoreError.io` when there is no connection.
    init(_ conninfo: String) throws {
        // What stands before `dbname` are defaults for it, what stands behind overrides it.
        let words: [(String, String)] = [
            ("connect_timeout", "5"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "30000"), ("application_name", "millrace-server"),
            ("dbname", conninfo), ("client_encoding", "UTF8"),
        ]
        let keys = words.map { strdup($0.0) } + [nil]
        let values = words.map { strdup($0.1) } + [nil]
        defer { for pointer in keys + values { free(pointer) } }
        let opened = PQconnectdbParams(
            keys.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
        guard let opened else { throw StoreError.io("PostgreSQL: out of memory") }
        guard PQstatus(opened) == CONNECTION_OK, PQenterPipelineMode(opened) == 1 else {
            let message = Connection.line(PQerrorMessage(opened))
            PQfinish(opened)
            throw StoreError.io("PostgreSQL: \(message)")
        }
        handle = opened
        let host = PQhost(opened).map { String(cString: $0) } ?? ""
        let port = PQport(opened).map { String(cString: $0) } ?? ""
        let database = PQdb(opened).map { String(cString: $0) } ?? ""
        name = "PostgreSQL \(host):\(port)/\(database)"
        millrace_pg_no_notices(opened)
    }

    deinit { PQfinish(handle) }

    /// Statements without parameters, outside of a pipeline: for migrations.
    func script(_ sql: String) throws {
        if let broken { throw broken }
        _ = try exchange(keeping: 0)
        guard PQexitPipelineMode(handle) == 1 else { throw lost("cannot leave the pipeline") }
        defer { if !isLost, PQenterPipelineMode(handle) != 1 { isLost = true } }
        guard let result = PQexec(handle, sql) else { throw lost(nil) }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
        default: throw failure(result, sql)
        }
    }

    // MARK: Statements

    /// Sends a statement; its answer comes with the next `exchange`.
    func send(_ query: Query, _ bind: (inout Binder) -> Void = { _ in }) throws {
        if let broken { throw broken }
        var binder = Binder()
        bind(&binder)
        if !query.columns.isEmpty {
            guard let turned = binder.transposed(query.columns) else {
                throw lose(.corrupt("values do not fit into: \(query.sql.prefix(100))"))
            }
            binder = turned
        }
        let key = ObjectIdentifier(query)
        let statement: String
        if let known = prepared[key] {
            statement = known
        } else {
            preparations += 1
            statement = "s\(preparations)"
            guard PQsendPrepare(handle, statement, query.sql, 0, nil) == 1 else { throw lost(nil) }
            prepared[key] = statement
            pending.append(.preparation(key))
        }
        let lengths = binder.cells.map { Int32(max($0.count, 0)) }
        let formats = [Int32](repeating: 1, count: lengths.count)
        let sent = binder.bytes.withUnsafeBytes { bytes in
            // A value without bytes still needs an address, or it would be NULL.
            var empty: CChar = 0
            return withUnsafePointer(to: &empty) { nothing in
                let values = binder.cells.map { cell -> UnsafePointer<CChar>? in
                    if cell.count < 0 { return nil }
                    guard cell.count > 0, let base = bytes.baseAddress else { return nothing }
                    return (base + cell.start).assumingMemoryBound(to: CChar.self)
                }
                return PQsendQueryPrepared(handle, statement, Int32(values.count), values, lengths, formats, 1)
            }
        }
        guard sent == 1 else { throw lost(nil) }
        pending.append(.statement(query))
    }

    /// Sends what waits here, and leaves the answers for the next `exchange`, which throws what went wrong.
    func flush() throws {
        if let broken { throw broken }
        guard PQpipelineSync(handle) == 1 else { throw lost(nil) }
        pending.append(.sync)
    }

    /// Reads all answers. - Returns: those of the last `count` statements.
    func exchange(keeping count: Int) throws -> [Answer] {
        if let broken { throw broken }
        if pending.isEmpty && count == 0 { return [] }
        roundTrips += 1
        guard PQpipelineSync(handle) == 1 else { throw lost(nil) }
        pending.append(.sync)
        let statements = pending.count { if case .statement = $0 { true } else { false } }
        var passed = 0
        var kept: [Answer] = []
        var error: StoreError?
        let all = pending
        pending.removeAll(keepingCapacity: true)
        for item in all {
            guard let result = PQgetResult(handle) else { throw lost(nil) }
            let answer = Answer(result)
            switch item {
            case .sync:
                guard PQresultStatus(result) == PGRES_PIPELINE_SYNC else { throw lost("an answer is out of step") }
                continue
            case .preparation(let key):
                if PQresultStatus(result) != PGRES_COMMAND_OK {
                    prepared[key] = nil
                    if PQresultStatus(result) == PGRES_FATAL_ERROR { error = error ?? failure(result, "PREPARE") }
                }
            case .statement(let query):
                switch PQresultStatus(result) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK: if passed >= statements - count { kept.append(answer) }
                case PGRES_FATAL_ERROR: error = error ?? failure(result, query.sql)
                default: break
                }
                passed += 1
            }
            if isLost { break }
            // Each statement's answers end with nothing.
            if let more = PQgetResult(handle) {
                PQclear(more)
                throw lost("an answer is out of step")
            }
        }
        if let error { throw error }
        guard kept.count == count else { throw lost("an answer is missing") }
        return kept
    }

    func all<T>(
        _ query: Query, _ bind: (inout Binder) -> Void = { _ in }, _ read: (inout Row) throws -> T
    ) throws -> [T] {
        try send(query, bind)
        return try exchange(keeping: 1)[0].all(read)
    }

    /// The first row, or nil.
    func first<T>(
        _ query: Query, _ bind: (inout Binder) -> Void = { _ in }, _ read: (inout Row) throws -> T
    ) throws -> T? {
        try send(query, bind)
        return try exchange(keeping: 1)[0].first(read)
    }

    /// Loses the transaction for a reason that the database does not see. - Returns: the reason.
    func lose(_ error: StoreError) -> StoreError {
        broken = broken ?? error
        return error
    }

    private static let rollback = Query("ROLLBACK")

    /// Ends the open transaction, if there still is one, and with it the doubt. Damage stays.
    func rollBack() {
        let doubt = broken
        broken = nil
        if !isLost {
            // What is still on its way may fail once more; that is undone, too.
            _ = try? exchange(keeping: 0)
            broken = nil
            if !isLost, PQtransactionStatus(handle) != PQTRANS_IDLE {
                _ = try? send(Connection.rollback)
                _ = try? exchange(keeping: 0)
            }
            broken = nil
        }
        if case .corrupt? = doubt { broken = doubt }
    }

    // MARK: Errors

    /// The connection is of no use any more.
    private func lost(_ what: String?) -> StoreError {
        isLost = true
        pending.removeAll()
        return lose(.io("\(name): \(what ?? Connection.line(PQerrorMessage(handle)))"))
    }

    /// Turns a refusal into what a store says, by SQLSTATE (PostgreSQL documentation, appendix A).
    private func failure(_ result: OpaquePointer, _ sql: String) -> StoreError {
        let state = millrace_pg_state(result).map { String(cString: $0) } ?? ""
        let statement = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let message = Connection.line(PQresultErrorMessage(result))
        let text = "\(name): \(message) (SQLSTATE \(state)) in: \(statement.prefix(200))"
        // No state: libpq itself says that the server is gone. 57P01 ... 57P05: the server ends the session.
        if PQstatus(handle) != CONNECTION_OK || state.isEmpty || state.hasPrefix("57P0") { isLost = true }
        let error: StoreError =
            switch state.prefix(2) {
            // StoreRules refuses beforehand what a constraint would; one that speaks up after all finds the operation
            // half done, so the whole transaction must go, as after a failure of the disk.
            case "22", "23": .conflict(text)
            case "XX" where state != "XX000": .corrupt(text)
            default: .io(text)
            }
        return lose(error)
    }

    private static func line(_ message: UnsafePointer<CChar>?) -> String {
        let text = message.map { String(cString: $0) } ?? "no connection"
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
