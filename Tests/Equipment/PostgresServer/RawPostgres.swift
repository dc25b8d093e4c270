import CPostgres

/// Plain SQL on a database, past the store: what a mistaken tool could do.
public final class RawPostgres {
    private let handle: OpaquePointer?

    public init(_ conninfo: String) throws {
        handle = PQconnectdb(conninfo)
        guard PQstatus(handle) == CONNECTION_OK else { throw PostgresServer.Failure(description: message) }
    }

    deinit { PQfinish(handle) }

    public var message: String { String(cString: PQerrorMessage(handle)) }

    /// - Throws: what the server says.
    @discardableResult
    public func run(_ sql: String) throws -> String? {
        let result = PQexec(handle, sql)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK: return nil
        case PGRES_TUPLES_OK:
            guard PQntuples(result) > 0, PQgetisnull(result, 0, 0) == 0 else { return nil }
            return String(cString: PQgetvalue(result, 0, 0))
        default: throw PostgresServer.Failure(description: message)
        }
    }

    /// - Returns: the SQLSTATE of a refusal; nil when the statement went through.
    public func refusal(_ sql: String) -> String? {
        let result = PQexec(handle, sql)
        defer { PQclear(result) }
        return millrace_pg_state(result).map { String(cString: $0) }
    }

    /// The first value of the first row.
    public func text(_ sql: String) -> String? { try? run(sql) }
}
