import CSQLite
import Glibc
import Storage

/// Copies a database that is in use, as it was at one moment, by SQLite's backup interface.
///
/// The copy reads in one go: a writer goes on meanwhile, and what it writes is not in the copy. Its write-ahead log
/// cannot be emptied before the copy is done, so it grows by what is written in that time.
enum DatabaseCopy {
    /// How long is waited for a database that is locked for a moment, such as by a checkpoint.
    private static let patienceSeconds = 60

    /// - Parameters:
    ///   - source: an existing database; not changed.
    ///   - target: replaced. Durable, and walked through by SQLite's own check, on return.
    /// - Throws: `StoreError.io`, `.corrupt`.
    static func copy(from source: String, to target: String) throws {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(target + ending) }
        let from = try open(source, SQLITE_OPEN_READONLY)
        defer { sqlite3_close_v2(from) }
        let to = try open(target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        do {
            defer { sqlite3_close_v2(to) }
            guard let backup = sqlite3_backup_init(to, "main", from, "main") else {
                throw failure(to, target, sqlite3_errcode(to))
            }
            var code = sqlite3_backup_step(backup, -1)
            var tries = 0
            while code == SQLITE_BUSY || code == SQLITE_LOCKED, tries < patienceSeconds * 10 {
                usleep(100_000)
                tries += 1
                code = sqlite3_backup_step(backup, -1)
            }
            sqlite3_backup_finish(backup)
            guard code == SQLITE_DONE else { throw failure(from, source, code) }
        }
        guard chmod(target, 0o600) == 0 else { throw SystemError.io(target) }
        let copy = try Connection(file: target)
        let verdict = try copy.text("PRAGMA quick_check(1)")
        guard verdict == "ok" else { throw StoreError.corrupt("\(source), as it was copied: \(verdict)") }
    }

    private static func open(_ file: String, _ flags: Int32) throws -> OpaquePointer {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(file, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let opened else {
            defer { sqlite3_close_v2(opened) }
            throw failure(opened, file, code)
        }
        sqlite3_busy_timeout(opened, 5000)
        return opened
    }

    private static func failure(_ handle: OpaquePointer?, _ file: String, _ code: Int32) -> StoreError {
        let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
        let text = "\(file): \(message) (SQLite \(code))"
        return code & 0xff == SQLITE_CORRUPT || code & 0xff == SQLITE_NOTADB ? .corrupt(text) : .io(text)
    }
}
