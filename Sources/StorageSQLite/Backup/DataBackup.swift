import Domain
import Glibc
import Storage

/// Copies a data directory while its server runs, into a folder that is brought up to date each time.
///
/// **Why the database first.** A blob is durable before any row names it. So every blob that the database names at one
/// moment is there at that moment, and, since blobs come later and do not change, still when the blobs are copied
/// afterwards. The other way round a row of the last minute could name a blob that was not there yet when the blobs
/// were copied. What can go wrong is a blob that is removed in between, because its batch is purged: so at the end
/// every blob that the copied database names is looked for in the copy, and when one is missing the database is copied
/// again, which then does not name it any more.
///
/// **A crash** leaves the last backup as it was until the new one is whole; between the two renames at the end it
/// leaves a folder without its note, which `DataRestore` refuses and the next backup mends.
public struct DataBackup {
    /// Looks for every blob that a database names. - Returns: a line for each that is missing.
    public typealias MissingBlobs = (any StoreTransaction, _ contains: (Digest) throws -> Bool) throws -> [String]

    /// What was done.
    public struct Report: Hashable, Sendable {
        public var databaseBytes: Int64 = 0
        public var smallBytes: Int64 = 0
        /// Blobs and other files in the backup, and those of them that are new.
        public var files = 0
        public var filesNew = 0
        public var bytesNew: Int64 = 0
        /// How often the database had to be copied.
        public var rounds = 0
    }

    private let data: String
    private let target: String
    private let mirror: FileMirror
    private static let roundsMax = 3

    /// - Parameters:
    ///   - data: a data directory, in use or not.
    ///   - target: made when it is not there; else empty, or an earlier backup.
    ///   - hash: starts a SHA-256.
    ///   - isLinking: see `FileMirror`.
    public init(data: String, target: String, hash: @escaping HashFactory, isLinking: Bool) {
        self.data = data
        self.target = target
        mirror = FileMirror(hash: hash, isLinking: isLinking)
    }

    /// - Throws: `StoreError`: `.conflict` when the target holds something else, `.corrupt` when a blob or a
    ///   database is damaged, `.missing` when a blob that a row names is not in the data directory either.
    public func run(now: Timestamp, missing: MissingBlobs) throws -> Report {
        let to = try openTarget()
        let lock = try FileLock(to.path + "/lock")
        defer { withExtendedLifetime(lock) {} }
        let blobs = try Folder("blobs", in: to)
        var report = Report()
        var lost: [String] = []
        repeat {
            report.rounds += 1
            try DatabaseCopy.copy(from: data + "/millrace.sqlite", to: to.path + "/millrace.sqlite.new")
            try DatabaseCopy.copy(from: data + "/blobs/small.sqlite", to: blobs.path + "/small.sqlite.new")
            let count = try mirror.bringBlobs(from: Folder(existing: data + "/blobs"), to: blobs)
            report.files = count.files
            report.filesNew += count.filesNew
            report.bytesNew += count.bytesNew
            lost = try lookForBlobs(to, blobs, missing)
        } while !lost.isEmpty && report.rounds < DataBackup.roundsMax
        guard lost.isEmpty else {
            let more = lost.count > 1 ? ", and \(lost.count - 1) more" : ""
            throw StoreError.missing("\(lost[0]): \(data) does not have it either\(more); `fsck` says all")
        }
        let count = try bringOthers(to)
        report.files += count.files
        report.filesNew += count.filesNew
        report.bytesNew += count.bytesNew
        try take(to, blobs, now, &report)
        return report
    }

    private func openTarget() throws -> Folder {
        let to = try Folder(target)
        let isOurs = try BackupNote.read(to) != nil || to.status(of: "lock") != nil
        guard try isOurs || to.names().isEmpty else {
            throw StoreError.conflict("\(target) is not empty and no backup of ours")
        }
        guard try to.status(of: "keys") == nil, try to.status(of: "address") == nil else {
            throw StoreError.conflict("\(target) is a data directory of a server")
        }
        return to
    }

    private func lookForBlobs(_ to: Folder, _ blobs: Folder, _ missing: MissingBlobs) throws -> [String] {
        let path = to.path + "/millrace.sqlite.new"
        defer { for ending in ["-wal", "-shm", ".lock"] { unlink(path + ending) } }
        let small = try SmallBlobs(file: blobs.path + "/small.sqlite.new")
        let store = try SQLiteStore(path: path)
        let found = try store.transaction { tx in
            try missing(tx) { digest in
                if try small.size(of: digest) != nil { return true }
                let name = digest.hex
                guard let fan = try blobs.existing(String(name.prefix(2))) else { return false }
                return try fan.status(of: name) != nil
            }
        }
        // Whatever was changed at opening: `take` goes on with the files alone.
        try store.checkpoint()
        try small.checkpoint()
        return found
    }

    /// The answers, the archives of purged batches, and logs that were set aside: nothing else has them. The public log
    /// follows from the database.
    static func isKept(_ name: String) -> Bool { ["results", "archive"].contains(name) || name.hasPrefix("log-old-") }

    private func bringOthers(_ to: Folder) throws -> FileMirror.Count {
        let from = try Folder(existing: data)
        var count = FileMirror.Count()
        for name in try from.names() where DataBackup.isKept(name) {
            // Archives may lie on another disk, behind a link.
            let source = try name == "archive" ? Folder(existing: data + "/" + name) : Folder(name, in: from)
            count = count + (try mirror.bringFolder(from: source, to: Folder(name, in: to)))
        }
        for name in ["version", "database-made"] where try from.status(of: name) != nil {
            _ = try mirror.bring(name, from: from, to: to, digest: nil)
        }
        return count
    }

    /// Puts the new databases into the place of the old ones. Small blobs first: with them the old database, too, has
    /// all that it names.
    private func take(_ to: Folder, _ blobs: Folder, _ now: Timestamp, _ report: inout Report) throws {
        guard let database = try to.open("millrace.sqlite.new", O_RDONLY),
            let small = try blobs.open("small.sqlite.new", O_RDONLY)
        else { throw StoreError.io("\(to.path) was changed meanwhile") }
        report.databaseBytes = Int64(try database.status().st_size)
        report.smallBytes = Int64(try small.status().st_size)
        let note = BackupNote(
            takenAt: now, databaseBytes: report.databaseBytes, database: try database.digest(with: mirror.hash),
            smallBytes: report.smallBytes, small: try small.digest(with: mirror.hash))
        try database.sync()
        try small.sync()
        try to.remove(BackupNote.name)
        try to.sync()
        try blobs.rename("small.sqlite.new", to: "small.sqlite", in: blobs)
        try blobs.sync()
        for ending in ["-wal", "-shm"] { try blobs.remove("small.sqlite.new" + ending) }
        try to.rename("millrace.sqlite.new", to: "millrace.sqlite", in: to)
        try note.write(to)
    }
}
