import Domain
import Glibc
import Storage

/// The local data directory of a server: `version`, `millrace.sqlite` with its log, `blobs/`.
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
    ///   - recheck: see `FileBlobStore`.
    /// - Throws: `StoreError.newerSchema` for a directory of a newer version, `.locked` when another process holds it,
    ///   `.corrupt` when it is not a data directory, `.io`.
    public init(path: String, hash: @escaping HashFactory, recheck: Bool = false) throws {
        self.path = path
        let folder = try Folder(path)
        try DataDirectory.checkVersion(folder)
        blobs = try FileBlobStore(path: path + "/blobs", hash: hash, recheck: recheck)
    }

    public var databasePath: String { path + "/millrace.sqlite" }

    /// Opens the database; the caller's thread, or the one it hands the store to, is the only one that uses it.
    public func openStore(options: SQLiteOptions = SQLiteOptions()) throws -> sending SQLiteStore {
        try SQLiteStore(path: databasePath, options: options)
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
