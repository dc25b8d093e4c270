import Domain
import Glibc
import Storage

/// Makes a data directory from a backup.
///
/// The file `version` is written last: until then no server starts there, and a restore that was broken off is begun
/// anew in another folder or after this one was emptied.
public struct DataRestore {
    private let backup: String
    private let data: String
    private let mirror: FileMirror

    /// - Parameters:
    ///   - backup: made by `DataBackup`; not changed.
    ///   - data: not there, or empty.
    ///   - isLinking: second names of the backup's files, for a drill. A server that runs on them shares them with the
    ///     backup.
    public init(backup: String, data: String, hash: @escaping HashFactory, isLinking: Bool) {
        self.backup = backup
        self.data = data
        mirror = FileMirror(hash: hash, isLinking: isLinking)
    }

    /// - Returns: when the backup was taken.
    /// - Throws: `StoreError`: `.missing` when there is no whole backup, `.conflict` when the target is not empty,
    ///   `.corrupt` when a file is not what was backed up.
    public func run() throws -> Timestamp {
        guard let from = try Folder.existing(backup), let note = try BackupNote.read(from) else {
            throw StoreError.missing("\(backup) is no whole backup: the file \(BackupNote.name) is not there")
        }
        let blobs = try Folder(existing: backup + "/blobs")
        try check("millrace.sqlite", from, note.databaseBytes, note.database)
        try check("small.sqlite", blobs, note.smallBytes, note.small)
        let to = try Folder(data)
        guard try to.names().isEmpty else { throw StoreError.conflict("\(data) is not empty") }
        let target = try Folder("blobs", in: to)
        _ = try mirror.bringBlobs(from: blobs, to: target)
        // Databases are written to: never two names of one.
        let copying = FileMirror(hash: mirror.hash, isLinking: false)
        _ = try copying.bring("small.sqlite", from: blobs, to: target, digest: note.small)
        try target.sync()
        for name in try from.names() where DataBackup.isKept(name) {
            _ = try mirror.bringFolder(from: Folder(name, in: from), to: Folder(name, in: to))
        }
        _ = try copying.bring("millrace.sqlite", from: from, to: to, digest: note.database)
        if try from.status(of: "database-made") != nil {
            _ = try copying.bring("database-made", from: from, to: to, digest: nil)
        }
        try to.sync()
        _ = try copying.bring("version", from: from, to: to, digest: nil)
        try to.sync()
        return note.takenAt
    }

    private func check(_ name: String, _ folder: Folder, _ bytes: Int64, _ digest: Digest) throws {
        guard let file = try folder.open(name, O_RDONLY) else {
            throw StoreError.missing("\(folder.path)/\(name) is not in the backup")
        }
        guard Int64(try file.status().st_size) == bytes, try file.digest(with: mirror.hash) == digest else {
            throw StoreError.corrupt("\(folder.path)/\(name) is not what was backed up; take another backup")
        }
    }
}
