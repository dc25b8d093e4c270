import Storage

/// What a database of the present schema consists of, by name: a step that made something else, or somebody who took
/// something away, is found before a server works on it.
enum Schema {
    private static let present = Query(
        """
        SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'
        UNION ALL
        SELECT 'column ' || m.name || '.' || c.name || ' ' || c.type
        FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*'
        """)

    private static let expected = Result { () throws -> Set<String> in
        let fresh = try Connection(file: ":memory:")
        for migration in Migration.all { try fresh.script(migration.sql) }
        return try names(in: fresh)
    }

    private static func names(in connection: Connection) throws -> Set<String> {
        Set(try connection.all(present) { $0.text() })
    }

    /// In order of name. Something more than expected is nobody's fault.
    private static func missing(in connection: Connection) throws -> [String] {
        try expected.get().subtracting(names(in: connection)).sorted()
    }

    /// Tables, columns and indexes. Triggers guard rows against hands that are not ours, and nothing works less without
    /// them: `missingTriggers` has those, for `fsck`, which must look at such a database.
    ///
    /// - Throws: `StoreError.corrupt` with what is missing.
    static func verify(_ connection: Connection) throws {
        let missing = try missing(in: connection).filter { !$0.hasPrefix("trigger ") }
        guard missing.isEmpty else {
            let some = missing.prefix(5).joined(separator: ", ")
            throw StoreError.corrupt("\(connection.file): of the schema there are missing: \(some)")
        }
    }

    static func missingTriggers(in connection: Connection) throws -> [String] {
        try missing(in: connection).filter { $0.hasPrefix("trigger ") }
    }
}
