import Domain
import Storage

/// The tables of `small.sqlite`, version 2, and how version 1 becomes it.
///
/// - `blob`: blobs in the order in which they came, so that those of a moment lie on the same few pages.
/// - `place`: where a blob lies, by the first eight bytes of its name. Names are hashes, so that each lands on another
///   page; it is written behind, many in the order of the names at a time (`UnplacedBlobs`).
/// - `placed`: all blobs whose number is not above `through` are in `place`.
/// - `blob_by_name`: what version 1 kept, each blob on the page of its name. It stays where it is, since there may be
///   millions, and goes with its last blob.
enum SmallBlobFile {
    /// "Mils" in ASCII.
    private static let applicationID = 0x4d69_6c73
    private static let version = 2

    private static let tables = """
        CREATE TABLE blob (
            id INTEGER PRIMARY KEY NOT NULL CHECK (id > 0),
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            bytes BLOB NOT NULL
        ) STRICT;
        CREATE TABLE place (start INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (start, id)) STRICT, WITHOUT ROWID;
        CREATE TABLE placed (one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1), through INTEGER NOT NULL) STRICT;
        INSERT INTO placed VALUES (1, 0);
        """

    /// - Throws: `StoreError.corrupt` for another program's file, `.newerSchema`, `.io`.
    static func open(_ file: String) throws -> Connection {
        let connection = try Connection(file: file)
        try connection.script("PRAGMA busy_timeout = 5000")
        let found = Int(try connection.text("PRAGMA user_version")) ?? 0
        let application = Int(try connection.text("PRAGMA application_id")) ?? 0
        guard found <= version else { throw StoreError.newerSchema(found: found, known: version) }
        guard found == 0 || application == applicationID else {
            throw StoreError.corrupt("\(file) does not hold Millrace's small blobs")
        }
        guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StoreError.io("\(file): this file system cannot hold a write-ahead log")
        }
        try connection.script(
            """
            PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
            PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 2048; PRAGMA journal_size_limit = 67108864;
            """)
        try upgrade(connection, from: found)
        return connection
    }

    /// In one transaction: a crash leaves the version before.
    private static func upgrade(_ connection: Connection, from found: Int) throws {
        if found < version {
            let old = found == 1 ? "ALTER TABLE blob RENAME TO blob_by_name;" : ""
            try connection.script(
                """
                BEGIN EXCLUSIVE; \(old) \(tables)
                PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version); COMMIT;
                """)
        }
        if try hasOld(connection), try isEmpty("blob_by_name", connection) {
            try connection.script("DROP TABLE blob_by_name")
        }
    }

    /// Whether there are blobs that version 1 has put.
    static func hasOld(_ connection: Connection) throws -> Bool {
        try connection.text("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'blob_by_name'") == "1"
    }

    static func isEmpty(_ table: String, _ connection: Connection) throws -> Bool {
        try connection.text("SELECT count(*) FROM (SELECT 1 FROM \(table) LIMIT 1)") == "0"
    }
}
