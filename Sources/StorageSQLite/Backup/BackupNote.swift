import Domain
import Glibc
import Storage

/// The file `backup` in a folder of a backup: what belongs together. It is written last, so a folder without it is
/// none.
struct BackupNote: Hashable, Sendable {
    static let name = "backup"
    private static let version = "millrace-backup 1"

    var takenAt: Timestamp
    var databaseBytes: Int64
    var database: Digest
    var smallBytes: Int64
    var small: Digest

    var text: String {
        """
        \(BackupNote.version)
        taken-at-ms \(takenAt.milliseconds)
        database \(databaseBytes) \(database.hex)
        small \(smallBytes) \(small.hex)

        """
    }

    /// - Returns: nil when the text is none.
    init?(_ text: String) {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard lines.count == 4, lines[0].joined(separator: " ") == BackupNote.version, lines[1].count == 2,
            lines[1][0] == "taken-at-ms", let taken = Int64(lines[1][1]), lines[2].count == 3,
            lines[2][0] == "database", let databaseBytes = Int64(lines[2][1]), let database = Digest(hex: lines[2][2]),
            lines[3].count == 3, lines[3][0] == "small", let smallBytes = Int64(lines[3][1]),
            let small = Digest(hex: lines[3][2])
        else { return nil }
        self.init(
            takenAt: Timestamp(milliseconds: taken), databaseBytes: databaseBytes, database: database,
            smallBytes: smallBytes, small: small)
    }

    init(takenAt: Timestamp, databaseBytes: Int64, database: Digest, smallBytes: Int64, small: Digest) {
        self.takenAt = takenAt
        self.databaseBytes = databaseBytes
        self.database = database
        self.smallBytes = smallBytes
        self.small = small
    }

    static func read(_ folder: Folder) throws -> BackupNote? {
        guard let file = try folder.open(name, O_RDONLY) else { return nil }
        return BackupNote(String(decoding: try file.read(at: 0, count: 4096), as: UTF8.self))
    }

    func write(_ folder: Folder) throws {
        let temporary = ".\(BackupNote.name).new"
        try folder.remove(temporary)
        guard let file = try folder.open(temporary, O_WRONLY | O_CREAT | O_EXCL) else {
            throw StoreError.io("\(folder.path) is gone")
        }
        try file.write(Array(text.utf8), at: 0)
        try file.sync()
        try folder.rename(temporary, to: BackupNote.name, in: folder)
        try folder.sync()
    }
}

extension OpenFile {
    /// The hash of the whole file, a piece at a time.
    func digest(with hash: HashFactory) throws -> Digest {
        var state = hash()
        var offset: Int64 = 0
        while true {
            let piece = try read(at: offset, count: 1 << 20)
            if piece.isEmpty { return state.finish() }
            state.update(piece)
            offset += Int64(piece.count)
        }
    }
}
