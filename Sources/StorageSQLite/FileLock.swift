import Glibc
import Storage

/// A lock that one process at a time can hold, tied to a file that carries the holder's process number.
///
/// The kernel gives it back when the process ends, however it ends; the file stays.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `StoreError.locked` naming the file and the process that holds it.
    init(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError.io(path) }
        guard FileLock.acquire(descriptor) else {
            let code = errno
            defer { close(descriptor) }
            guard code == EWOULDBLOCK else { throw SystemError.io(path, code) }
            var text = [UInt8](repeating: 0, count: 20)
            let count = pread(descriptor, &text, text.count, 0)
            let holder = String(decoding: text.prefix(max(count, 0)).prefix { $0 > 32 }, as: UTF8.self)
            throw StoreError.locked("\(path) is held by process \(holder)")
        }
        self.descriptor = descriptor
        let holder = Array("\(getpid())\n".utf8)
        // For people only: a full disk must not keep the server from starting.
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, holder, holder.count, 0) }
    }

    deinit {
        // Closing alone would leave the lock to a child that is just being started and still has a copy.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Tries for half a second: a process that is just being started holds copies of its parent's descriptors, and with
    /// them the lock of a store that was closed meanwhile, until its program is loaded.
    private static func acquire(_ descriptor: Int32) -> Bool {
        for _ in 0..<25 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            if errno != EWOULDBLOCK { return false }
            usleep(20_000)
        }
        errno = EWOULDBLOCK
        return false
    }
}

/// Failures of the operating system as store errors.
enum SystemError {
    static func io(_ path: String, _ code: Int32 = errno) -> StoreError {
        .io("\(path): \(String(cString: strerror(code)))")
    }
}
