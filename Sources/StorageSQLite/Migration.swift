import Storage

/// One step of the schema: brings version `version - 1` to `version`.
struct Migration {
    let version: Int
    let sql: String
    /// What SQL alone cannot work out from the rows that are there; runs after `sql`, in the same transaction.
    var fill: (@Sendable (Connection) throws -> Void)?

    /// All steps in order; the last is the version this program writes.
    static let all = [initial, trust, teams, openTasks, rawInputs, sums, links]
    static var current: Int { all.count }

    /// "Mill" in ASCII: marks the file as ours.
    private static let applicationID = 0x4d69_6c6c

    /// Looks at what a file is before anything in it is changed. - Returns: its schema version, 0 for a new one.
    ///
    /// - Throws: `StoreError.newerSchema`; `StoreError.corrupt` for a database of another program or no database.
    static func version(of connection: Connection) throws -> Int {
        let found = Int(try connection.text("PRAGMA user_version")) ?? 0
        guard found <= current else { throw StoreError.newerSchema(found: found, known: current) }
        let application = Int(try connection.text("PRAGMA application_id")) ?? 0
        let objects = Int(try connection.text("SELECT count(*) FROM sqlite_schema")) ?? 0
        guard application == applicationID || (found == 0 && objects == 0) else {
            throw StoreError.corrupt("\(connection.file) is not a Millrace database")
        }
        return found
    }

    /// Brings a database from `version` to the present one, each step whole or not at all, and looks whether all that
    /// there should be is there.
    ///
    /// - Throws: `StoreError.corrupt` when something is missing.
    static func run(on connection: Connection, from version: Int) throws {
        for migration in all where migration.version > version {
            try connection.script("BEGIN EXCLUSIVE")
            do {
                try connection.script(migration.sql)
                try migration.fill?(connection)
                try connection.script("PRAGMA application_id = \(applicationID)")
                try connection.script("PRAGMA user_version = \(migration.version)")
                if migration.version == current { try Schema.verify(connection) }
                try connection.script("COMMIT")
            } catch {
                connection.rollBack()
                throw error
            }
        }
        if version == current { try Schema.verify(connection) }
    }
}
