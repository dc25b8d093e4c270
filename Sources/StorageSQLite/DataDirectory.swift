import Domain
import Glibc
import Storage

/// The local data directory of a server: `version`, `millrace.sqlite` with its log, `database-made`, `blobs/`.
///
/// One process at a time. The version file is read before anything else is opened, so that a program never touches the
/// files of a newer one.
public final class DataDirectory: Sendable {
    /// The format that this program writes.
    public static let formatVersion = 1
    private static let versionPrefix = "millrace-data "

    public let path: String
    public let blobs: FileBlobStore

    /// Opens the directory and makes it when there is none.
    ///
    /// - Parameters:
    ///   - hash: starts a SHA-256.
    ///   - recheck, shared: see `FileBlobStore`. A shared directory has its rows in a database elsewhere.
    ///   - mayBeElsewhere: open it also when the rows are in another database, to bring them back.
    /// - Throws: `StoreError.newerSchema` for a directory of a newer version, `.locked` when another process holds it,
    ///   `.corrupt` when it is not a data directory, `.io`.
    public init(
        path: String, hash: @escaping HashFactory, recheck: Bool = false, shared: (any SmallBlobStore)? = nil,
        mayBeElsewhere: Bool = false
    ) throws {
        self.path = path
        let folder = try Folder(path)
        try DataDirectory.checkVersion(folder)
        func check() throws {
            guard shared != nil || mayBeElsewhere || !DataDirectory.isElsewhere(path) else {
                throw StoreError.locked("\(path): by servers on a PostgreSQL database, which has the rows (--database)")
            }
        }
        try check()
        blobs = try FileBlobStore(
            path: path + "/blobs", hash: hash, recheck: recheck, smallMax: 4096, shared: shared)
        // It may have been said while this process waited for the one that held the directory.
        try check()
    }

    public var databasePath: String { path + "/millrace.sqlite" }

    /// Opens the database; the caller's thread, or the one it hands the store to, is the only one that uses it.
    ///
    /// A first start makes, in this order: `version`, `blobs/`, the server's own files (keys, token, results), the
    /// database, `database-made`. A start that was killed on this way goes on as a first start. Once `database-made` or
    /// any blob is there, a database that is missing or empty was lost: an empty one in its place would forget hosts,
    /// credit and batches without a word.
    /// - Parameter mayMake: false for who only looks: then a database that was never made is `.missing`.
    /// - Parameter mayReplace: for who brings the rows back from elsewhere: a database that is missing is made.
    /// - Throws: `.corrupt` when the database was lost, and as `SQLiteStore`.
    public func openStore(
        options: SQLiteOptions = SQLiteOptions(), mayMake: Bool = true, mayReplace: Bool = false
    ) throws -> sending SQLiteStore {
        let folder = try Folder(path)
        let size = try folder.status(of: "millrace.sqlite")?.st_size ?? 0
        let wasMade = try folder.status(of: DataDirectory.made) != nil
        if size == 0 {
            let wasUsed = try wasMade || blobs.hasHeldBlobs()
            guard !wasUsed || mayReplace else {
                throw StoreError.corrupt(
                    "\(databasePath) is missing or empty; it held hosts, credit and batches: restore it from a backup"
                )
            }
            guard mayMake else { throw StoreError.missing("\(databasePath): no server has run here yet") }
        }
        let store = try SQLiteStore(path: databasePath, options: options)
        if !wasMade && mayMake {
            _ = try folder.open(DataDirectory.made, O_WRONLY | O_CREAT)
            try folder.sync()
        }
        return store
    }

    private static let made = "database-made"
    private static let elsewhere = "database-elsewhere"
    private static let aside = ".moved"

    /// Whether the rows of the directory at `path`, which need not exist, are in a database that several servers share.
    public static func isElsewhere(_ path: String) -> Bool { access("\(path)/\(elsewhere)", F_OK) == 0 }

    /// Whether there are, or were, rows or small blobs in the directory at `path` itself.
    public static func hasOwnRows(_ path: String) -> Bool {
        !isElsewhere(path) && databases.contains { access("\(path)/\($0)", F_OK) == 0 }
    }

    private static let databases = ["millrace.sqlite", "blobs/small.sqlite"]

    /// From now on the rows are in another database: nobody opens the directory with rows of its own any more.
    public func markElsewhere() throws {
        let folder = try Folder(path)
        _ = try folder.open(DataDirectory.elsewhere, O_WRONLY | O_CREAT)
        try folder.sync()
    }

    /// Where the old database of a directory lies whose rows are elsewhere; nil when somebody has removed it.
    public static func leftBehind(_ path: String) -> String? {
        ["\(path)/millrace.sqlite", "\(path)/millrace.sqlite\(aside)"].first { access($0, F_OK) == 0 }
    }

    /// From now on the rows are in another database. What was here before stays beside, with `.moved` in its name.
    /// Killed in the middle, the same call does the rest. Not while its databases are open: `markElsewhere` first.
    public static func setElsewhere(_ path: String) throws {
        let folder = try Folder(path)
        _ = try folder.open(elsewhere, O_WRONLY | O_CREAT)
        try folder.sync()
        for name in databases {
            // The log of a database is found by its name.
            for suffix in ["-shm", "-wal", ""] where try folder.status(of: name + suffix) != nil {
                try folder.rename(name + suffix, to: name + aside + suffix, in: folder)
            }
        }
        try folder.sync()
    }

    /// The rows are in the directory again.
    public func setHere() throws {
        let folder = try Folder(path)
        try folder.remove(DataDirectory.elsewhere)
        _ = try folder.open(DataDirectory.made, O_WRONLY | O_CREAT)
        try folder.sync()
    }

    private static func checkVersion(_ folder: Folder) throws {
        let path = folder.path + "/version"
        guard let file = try folder.open("version", O_RDONLY) else {
            guard try folder.status(of: "millrace.sqlite") == nil else {
                throw StoreError.corrupt("\(path) is missing beside a database")
            }
            return try writeVersion(folder)
        }
        let text = String(decoding: try file.read(at: 0, count: 64), as: UTF8.self)
        guard text.hasPrefix(versionPrefix), text.hasSuffix("\n"),
            let version = Int(text.dropFirst(versionPrefix.count).dropLast()), version >= 1
        else { throw StoreError.corrupt("\(path) does not name the version of a data directory") }
        guard version <= formatVersion else { throw StoreError.newerSchema(found: version, known: formatVersion) }
    }

    private static func writeVersion(_ folder: Folder) throws {
        let name = "version.\(getpid())"
        do {
            guard let file = try folder.open(name, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644) else {
                throw StoreError.io("\(folder.path) is gone")
            }
            try file.write(Array("\(versionPrefix)\(formatVersion)\n".utf8), at: 0)
            try file.sync()
            try folder.rename(name, to: "version", in: folder)
            try folder.sync()
        } catch {
            try? folder.remove(name)
            throw error
        }
    }
}
