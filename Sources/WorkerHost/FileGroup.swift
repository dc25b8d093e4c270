import CPosix
import Domain
import Glibc

extension Files {
    /// Files of one group, with a descriptor each.
    private static let groupMax = 64

    /// Replaces many files, each as `replace` does, and keeps the disk waiting once for a group of them and not twice
    /// for each. After a crash every file has its old or its new content, in no order.
    ///
    /// - Parameter files: no path twice.
    /// - Parameter isPublic: they have this mode whatever the umask is.
    /// - Throws: as `replace`; then some may have been replaced.
    public static func replaceAll(
        _ files: [(path: String, bytes: [UInt8])], mode: mode_t = 0o644, isPublic: Bool = false
    ) throws(Fault) {
        var rest = files[...]
        while !rest.isEmpty {
            var group = FileGroup()
            defer { group.end() }
            for file in rest.prefix(groupMax) { try group.begin(file.path, file.bytes, mode, isPublic) }
            try group.replace()
            rest = rest.dropFirst(groupMax)
        }
    }
}

/// Files that are written beside those that they are to replace.
private struct FileGroup {
    private var begun: [(file: Int32, temporary: String, path: String)] = []
    private var replaced = 0
    /// `SYNC_FILE_RANGE_WRITE`, sync_file_range(2).
    private static let beginWriting: UInt32 = 2

    mutating func begin(_ path: String, _ bytes: [UInt8], _ mode: mode_t, _ isPublic: Bool) throws(Fault) {
        let temporary = "\(path).\(getpid()).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw Files.fault("create", temporary) }
        begun.append((file, temporary, path))
        if isPublic, fchmod(file, mode) != 0 { throw Files.fault("set the mode of", temporary) }
        try Files.write(bytes, to: file, temporary)
        // With the place on the disk of all of them known, the first sync writes the file system's journal for all.
        // Where that is not possible every sync does its own part.
        _ = sync_file_range(file, 0, 0, Self.beginWriting)
    }

    mutating func replace() throws(Fault) {
        for one in begun {
            guard fsync(one.file) == 0 else { throw Files.fault("sync", one.temporary) }
        }
        for one in begun {
            guard rename(one.temporary, one.path) == 0 else { throw Files.fault("rename", one.path) }
            replaced += 1
        }
        let inFolders = Dictionary(begun.map { (Files.parent(of: $0.path), $0.path) }) { first, _ in first }
        for path in inFolders.values { Files.syncFolder(of: path) }
    }

    /// Leaves nothing behind but what was replaced.
    mutating func end() {
        for one in begun { close(one.file) }
        for one in begun.dropFirst(replaced) { unlink(one.temporary) }
        begun = []
    }
}
