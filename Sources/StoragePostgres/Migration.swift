import Storage

/// One step of the schema: brings version `version - 1` to `version`.
struct Migration {
    let version: Int
    let sql: String
    /// Columns, constraints, indexes, triggers and functions that there are afterwards.
    let objects: Int

    /// All steps in order; the last is the version this program writes.
    static let all = [initial, links]
    static var current: Int { all.count }

    private static let lock = Query(
        "SELECT pg_advisory_xact_lock(hashtextextended('millrace ' || current_schema(), 0))")
    private static let versions = Query("SELECT to_regclass('millrace_version')::oid::bigint")
    private static let found = Query("SELECT coalesce(max(version), 0) FROM millrace_version")
    private static let tables = Query(
        """
        SELECT count(*) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v') AND \(isNoExtensions("pg_class"))
        """)
    /// Extensions put their views and functions into the first schema, too.
    private static func isNoExtensions(_ catalogue: String) -> String {
        """
        NOT EXISTS (
            SELECT 1 FROM pg_depend
            WHERE classid = '\(catalogue)'::regclass AND objid = \(catalogue).oid AND deptype = 'e')
        """
    }
    /// What the schema consists of, our own bookkeeping apart.
    private static let present = """
        WITH ours AS (
            SELECT oid, relname FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT LIKE 'millrace\\_%'
                AND \(isNoExtensions("pg_class")))
        SELECT 'column ' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) AS name
        FROM pg_attribute JOIN ours ON ours.oid = attrelid WHERE attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'constraint ' || relname || '.' || conname
        FROM pg_constraint JOIN ours ON ours.oid = conrelid WHERE convalidated AND contype <> 'n'
        UNION ALL SELECT 'index ' || c.relname
        FROM pg_index JOIN ours ON ours.oid = indrelid JOIN pg_class c ON c.oid = indexrelid WHERE indisvalid
        UNION ALL SELECT 'trigger ' || relname || '.' || tgname
        FROM pg_trigger JOIN ours ON ours.oid = tgrelid WHERE NOT tgisinternal AND tgenabled = 'O'
        UNION ALL SELECT 'function ' || proname
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND \(isNoExtensions("pg_proc"))
        """
    private static let count = Query("SELECT count(*) FROM (\(present)) p")
    private static let remember = Query("INSERT INTO millrace_object (name) \(present)")
    private static let missing = Query("SELECT name FROM millrace_object EXCEPT (\(present)) ORDER BY name LIMIT 5")

    /// Brings the schema that the connection looks at to the present version: all steps or none, whoever else starts at
    /// the same moment.
    ///
    /// - Throws: `StoreError.newerSchema`; `StoreError.corrupt` when tables are of another program, or not all there.
    static func run(on connection: Connection) throws {
        try connection.script("BEGIN")
        do {
            _ = try connection.first(lock) { _ in true }
            let version = try version(of: connection)
            for migration in all where migration.version > version {
                try connection.script(migration.sql)
                try connection.script("INSERT INTO millrace_version (version) VALUES (\(migration.version))")
            }
            if version < current { try verify(connection) }
            let missing = try connection.all(missing) { $0.text() }
            guard missing.isEmpty else {
                throw StoreError.corrupt(
                    "\(connection.name): of the schema there are missing: \(missing.joined(separator: ", "))")
            }
            try connection.script("COMMIT")
        } catch {
            connection.rollBack()
            throw error
        }
    }

    /// That the steps made what they should; a later start finds it by name.
    private static func verify(_ connection: Connection) throws {
        let present = try connection.first(count) { $0.int() } ?? 0
        guard present == all[current - 1].objects else {
            throw StoreError.corrupt(
                "\(connection.name): the new schema has \(present) columns, constraints, indexes, triggers and "
                    + "functions instead of \(all[current - 1].objects)")
        }
        try connection.script("DELETE FROM millrace_object")
        try connection.send(remember)
        _ = try connection.exchange(keeping: 0)
    }

    /// - Returns: 0 in an empty schema, in which the table of versions now is.
    private static func version(of connection: Connection) throws -> Int {
        if try connection.first(versions, { _ in }, { $0.optionalInteger() }) ?? nil == nil {
            guard try connection.first(tables, { _ in }, { $0.int() }) == 0 else {
                throw StoreError.corrupt("\(connection.name) holds tables of another program")
            }
            try connection.script(
                """
                CREATE TABLE millrace_version (version bigint PRIMARY KEY CHECK (version >= 1));
                CREATE TABLE millrace_object (name text PRIMARY KEY);
                """)
        }
        let found = try connection.first(found) { $0.int() } ?? 0
        guard found <= current else { throw StoreError.newerSchema(found: found, known: current) }
        return found
    }
}
