import CPosix
import Domain
import Glibc

/// The few file operations of a worker: bounded reads and complete writes.
enum WorkerFiles {
    /// - Throws: `.noInput` when it cannot be read, `.badData` when it is larger than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(Fault) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Fault(.noInput, "cannot open \(path): \(reason)") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.noInput, "\(path) is not a file")
        }
        let size = Int(status.st_size)
        guard size <= limit else { throw Fault(.badData, "\(path): \(size) bytes, at most \(limit) are allowed") }
        var bytes = [UInt8](repeating: 0, count: size)
        var count = 0
        while count < size {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, size - count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Fault(.noInput, "cannot read \(path): \(reason)") }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(size - count)
        return bytes
    }

    /// Replaces the file; after a crash the old or the new content is there, complete.
    ///
    /// - Parameter durable: whether it must survive a power failure.
    /// - Throws: `.cannotWrite`.
    static func replace(_ path: String, with bytes: [UInt8], durable: Bool) throws(Fault) {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Fault(.cannotWrite, "cannot create \(temporary): \(reason)") }
        do throws(Fault) {
            defer { close(file) }
            try writeAll(bytes, to: file, path)
            guard !durable || fsync(file) == 0 else { throw Fault(.cannotWrite, "cannot sync \(path): \(reason)") }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            throw Fault(.cannotWrite, "cannot rename \(temporary): \(reason)")
        }
        if durable { syncFolder(of: path) }
    }

    /// Makes the names in the file's folder durable, where the file system can.
    static func syncFolder(of path: String) {
        let slash = path.lastIndex(of: "/")
        let folder = open(slash.map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Fault) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress! + at, bytes.count - at) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Fault(.cannotWrite, "cannot write \(path): \(reason)") }
            at += count
        }
    }

    /// A line to the standard error, which the parent keeps as the log.
    static func complain(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(2, bytes, bytes.count)
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
