import Domain
import Glibc
import Storage
import Synchronization

/// Blobs that are not worth a file each: containers of small units, small results. One SQLite file, `small.sqlite`.
///
/// A file costs an inode, two syncs and a rename, some hundred microseconds of a disk; a row costs a hundredth of that
/// where many are put at the same time, for all that wait are committed together. Safe to call from any thread.
final class SmallBlobs: SmallBlobStore {
    /// One blob that waits to be durable.
    private final class Waiting: @unchecked Sendable {
        let digest: Digest
        let bytes: [UInt8]
        /// Written under the writer's lock only.
        var result: Result<Void, any Error>?

        init(_ digest: Digest, _ bytes: [UInt8]) {
            self.digest = digest
            self.bytes = bytes
        }
    }

    private static let insert = Query("INSERT INTO blob (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING")
    private static let size = Query("SELECT length(bytes) FROM blob WHERE digest = ?")
    private static let bytes = Query("SELECT bytes FROM blob WHERE digest = ?")
    private static let page = Query("SELECT digest, bytes FROM blob WHERE digest > ? ORDER BY digest LIMIT ?")
    private static let delete = Query("DELETE FROM blob WHERE digest = ?")
    private static let begin = Query("BEGIN IMMEDIATE")
    private static let commit = Query("COMMIT")
    /// "Mils" in ASCII.
    private static let applicationID = 0x4d69_6c73
    private static let version = 1

    private let waiting = Mutex<[Waiting]>([])
    private let known = Mutex(Recent<Digest, [UInt8]>(max: 8 << 20))
    private let writer: Mutex<Connection>
    private let reader: Mutex<Connection>

    /// - Throws: `StoreError.corrupt` for another program's file, `.newerSchema`, `.io`.
    init(file: String) throws {
        let connection = try Connection(file: file)
        try connection.script("PRAGMA busy_timeout = 5000")
        let found = Int(try connection.text("PRAGMA user_version")) ?? 0
        let application = Int(try connection.text("PRAGMA application_id")) ?? 0
        guard found <= Self.version else { throw StoreError.newerSchema(found: found, known: Self.version) }
        guard found == 0 || application == Self.applicationID else {
            throw StoreError.corrupt("\(file) does not hold Millrace's small blobs")
        }
        guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StoreError.io("\(file): this file system cannot hold a write-ahead log")
        }
        // Names are hashes: each blob lands on another page. The log is moved into the file when many of a page's have
        // come together.
        try connection.script(
            """
            PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
            PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864;
            """)
        if found == 0 {
            try connection.script(
                """
                BEGIN EXCLUSIVE;
                CREATE TABLE IF NOT EXISTS blob (
                    digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
                    bytes BLOB NOT NULL
                ) STRICT, WITHOUT ROWID;
                PRAGMA application_id = \(Self.applicationID);
                PRAGMA user_version = \(Self.version);
                COMMIT;
                """)
        }
        let second = try Connection(file: file)
        try second.script("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON")
        writer = Mutex(connection)
        reader = Mutex(second)
    }

    /// Durable on return. Whoever gets the writer's lock writes what all others wait for as well.
    func put(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws {
        let mine = blobs.map { Waiting($0.digest, $0.bytes) }
        waiting.withLock { $0 += mine }
        try writer.withLock { connection in
            if mine.contains(where: { $0.result == nil }) { write(connection) }
            for blob in mine { try blob.result?.get() }
        }
    }

    private func write(_ connection: Connection) {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let result = Result {
            do {
                try connection.run(Self.begin)
                for blob in all {
                    try connection.run(Self.insert) {
                        $0.digest(blob.digest)
                        $0.blob(blob.bytes)
                    }
                }
                try connection.run(Self.commit)
            } catch {
                connection.rollBack()
                throw error
            }
        }
        for blob in all { blob.result = result }
        if case .success = result {
            known.withLock { known in
                for blob in all { known.keep(blob.digest, blob.bytes, weight: blob.bytes.count + 96) }
            }
        }
    }

    /// Without looking at the file.
    func recent(_ digest: Digest) -> [UInt8]? { known.withLock { $0.value(digest) } }

    func size(of digest: Digest) throws -> Int64? {
        if let blob = recent(digest) { return Int64(blob.count) }
        return try reader.withLock { connection in
            try Self.mending(connection) { try $0.first(Self.size, { $0.digest(digest) }, { $0.integer() }) }
        }
    }

    func bytes(of digest: Digest) throws -> [UInt8]? {
        if let blob = recent(digest) { return blob }
        return try reader.withLock { connection in
            let found = try Self.mending(connection) {
                try $0.first(Self.bytes, { $0.digest(digest) }, { $0.blob() })
            }
            if let found { known.withLock { $0.keep(digest, found, weight: found.count + 96) } }
            return found
        }
    }

    func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])] {
        try reader.withLock { connection in
            try Self.mending(connection) { connection in
                try connection.all(
                    Self.page,
                    {
                        $0.blob(digest?.bytes ?? [])
                        $0.integer(limit)
                    }, { (try $0.digest(), $0.blob()) })
            }
        }
    }

    func remove(_ digest: Digest) throws {
        _ = try writer.withLock { connection in
            _ = try Self.mending(connection) { try $0.run(Self.delete) { $0.digest(digest) } }
        }
        // Behind every reader who has still found it.
        reader.withLock { _ in known.withLock { $0.drop(digest) } }
    }

    var isEmpty: Bool {
        get throws {
            try reader.withLock { connection in
                try Self.mending(connection) {
                    try $0.text("SELECT count(*) FROM (SELECT 1 FROM blob LIMIT 1)") == "0"
                }
            }
        }
    }

    /// A statement of its own: when it fails, the next one begins afresh.
    private static func mending<T>(_ connection: Connection, _ body: (Connection) throws -> T) throws -> T {
        do { return try body(connection) } catch {
            connection.rollBack()
            throw error
        }
    }
}
