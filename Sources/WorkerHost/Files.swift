import CPosix
import Confinement
import Domain
import Glibc

/// Files by path, in whole: bounded reads, and writes that are either there completely or not at all.
public enum Files {
    /// - Parameter limit: bytes; a larger file is an error.
    /// - Throws: `.noInput` when there is no such file, or something else is there, `.badData` when it is too large.
    public static func read(_ path: String, limit: Int) throws(Fault) -> [UInt8] {
        // A named pipe, or a device, must not keep anybody waiting: it is no file.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw fault("open", path) }
        defer { close(file) }
        let size = try size(of: file, path)
        guard size <= limit else { throw Fault(.badData, "\(path): \(size) bytes, at most \(limit) are allowed") }
        var bytes = [UInt8](repeating: 0, count: size)
        var count = 0
        while count < size {
            let got = bytes.withUnsafeMutableBytes { unsafe in
                Glibc.read(file, unsafe.baseAddress! + count, size - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw fault("read", path) }
            guard got > 0 else { break }
            count += got
        }
        bytes.removeLast(size - count)
        return bytes
    }

    /// Replaces the file: temporary file beside it, fsync, rename, fsync of the folder. After a crash either the old or
    /// the new content is there.
    ///
    /// - Parameter isPublic: it has this mode whatever the umask is.
    /// - Parameter durable: false leaves out the fsyncs; for files that only inform.
    /// - Throws: `.cannotWrite` for a full or read-only disk.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t = 0o644, isPublic: Bool = false, durable: Bool = true
    ) throws(Fault) {
        let temporary = "\(path).\(getpid()).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw fault("create", temporary) }
        do throws(Fault) {
            defer { close(file) }
            if isPublic, fchmod(file, mode) != 0 { throw fault("set the mode of", temporary) }
            try write(bytes, to: file, temporary)
            if durable, fsync(file) != 0 { throw fault("sync", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let problem = fault("rename", path)
            unlink(temporary)
            throw problem
        }
        if durable { syncFolder(of: path) }
    }

    /// Makes a rename in this file's folder durable. Not every file system can; then there is nothing more to do.
    public static func syncFolder(of path: String) {
        let folder = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// Makes a folder and those above it.
    ///
    /// - Parameter isPublic: what is made has this mode whatever the umask is.
    public static func makeFolder(_ path: String, mode: mode_t = 0o700, isPublic: Bool = false) throws(Fault) {
        if try madeFolder(path, mode, isPublic) { return }
        guard errno == ENOENT, parent(of: path) != path else { throw fault("make folder", path) }
        try makeFolder(parent(of: path), mode: mode, isPublic: isPublic)
        guard try madeFolder(path, mode, isPublic) else { throw fault("make folder", path) }
    }

    /// - Returns: false when it could not be made and is not there; `errno` says why.
    private static func madeFolder(_ path: String, _ mode: mode_t, _ isPublic: Bool) throws(Fault) -> Bool {
        guard mkdir(path, mode) == 0 else { return errno == EEXIST && isFolder(path) }
        if isPublic, chmod(path, mode) != 0 { throw fault("set the mode of", path) }
        return true
    }

    /// What a folder holds, sorted; empty for a folder that is not there.
    public static func names(in path: String) throws(Fault) -> [String] {
        guard let names = FolderNames.list(path) else {
            guard errno == ENOENT else { throw fault("list", path) }
            return []
        }
        return names.sorted()
    }

    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Bytes of a file; nil when there is none.
    public static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Bytes of all files in a folder and below.
    public static func bytes(inFolder path: String) -> Int {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
        return ((try? names(in: path)) ?? []).reduce(0) { $0 + bytes(inFolder: "\(path)/\($1)") }
    }

    /// The folder that a path names a file of.
    public static func parent(of path: String) -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// The failure that `errno` names, for an act on a path.
    public static func fault(_ act: String, _ path: String) -> Fault {
        let code = errno
        let reason = String(cString: strerror(code))
        switch code {
        case ENOENT, ENOTDIR: return Fault(.noInput, "cannot \(act) \(path): \(reason)")
        case ENOSPC, EDQUOT:
            return Fault(.cannotWrite, "cannot \(act) \(path): \(reason)", advice: "Free some space on that disk.")
        case EROFS, EFBIG: return Fault(.cannotWrite, "cannot \(act) \(path): \(reason)")
        case EACCES, EPERM:
            return Fault(.osError, "cannot \(act) \(path): \(reason)", advice: ownerAdvice(path))
        default: return Fault(.osError, "cannot \(act) \(path): \(reason)")
        }
    }

    /// For a path that this user may not use. Folders on the way to it may be closed, too.
    private static func ownerAdvice(_ path: String) -> String {
        var path = path
        var status = stat()
        while stat(path, &status) != 0, parent(of: path) != path { path = parent(of: path) }
        guard status.st_uid != geteuid(), let name = userName(status.st_uid) else {
            return "Check the owner and the mode of that path."
        }
        return "\(path) belongs to \(name): give the command as that user, or with sudo."
    }

    private static func userName(_ user: uid_t) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, let found else { return nil }
        return String(cString: found.pointee.pw_name)
    }

    /// Writes all bytes to an open file.
    public static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Fault) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + at, bytes.count - at) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw fault("write", path) }
            at += count
        }
    }

    /// Whether a folder is there, or a link to one.
    public static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func size(of file: Int32, _ path: String) throws(Fault) -> Int {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw fault("look at", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Fault(.noInput, "\(path) is not a file") }
        return Int(status.st_size)
    }
}
