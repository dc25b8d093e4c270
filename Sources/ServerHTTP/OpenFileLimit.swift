import Glibc

/// How many files and connections the process may have open at once.
public enum OpenFileLimit {
    /// For the connections that are allowed, each with perhaps a blob open, and room to spare. Not more: some systems
    /// allow a thousand million, and programs that are started walk through them all.
    private static let most: UInt64 = 65_536

    /// - Returns: what the soft limit should be; never less than it is.
    public static func wanted(soft: UInt64, hard: UInt64) -> UInt64 { max(soft, min(hard, most)) }

    /// Raises the soft limit as far as the hard one allows. What cannot be raised stays: the server runs with it too.
    ///
    /// - Returns: the limit that holds now.
    @discardableResult
    public static func raise() -> UInt64 {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0 else { return 0 }
        var raised = limits
        raised.rlim_cur = rlim_t(wanted(soft: UInt64(limits.rlim_cur), hard: UInt64(limits.rlim_max)))
        guard setrlimit(resource, &raised) == 0 else { return UInt64(limits.rlim_cur) }
        return UInt64(raised.rlim_cur)
    }
}
