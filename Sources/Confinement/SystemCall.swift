import CPosix
import Domain
import Glibc

/// System calls by name: glibc has no wrappers for those that confine a process.
enum SystemCall {
    /// nil: this architecture has no such call, or it is not among those that are known by name.
    static func number(_ name: String) -> UInt32? {
        let number = millrace_call_number(name)
        return number >= 0 ? UInt32(number) : nil
    }

    /// - Returns: -1 with `errno` when it failed; `ENOSYS` for a name that this architecture does not have.
    @discardableResult
    static func perform(_ name: String, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0) -> Int {
        guard let number = number(name) else {
            errno = ENOSYS
            return -1
        }
        return millrace_call(Int(number), a, b, c, d, e, 0)
    }

    /// What `errno` says now, in words.
    static var reason: String { String(cString: strerror(errno)) }

    static func fault(_ what: String) -> Fault { Fault(.osError, "cannot \(what): \(reason)") }
}
