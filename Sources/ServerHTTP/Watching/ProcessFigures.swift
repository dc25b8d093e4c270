import Glibc

/// What the operating system says of this process.
struct ProcessFigures: Sendable {
    var cpuSeconds: Double
    var residentBytes: Int64
    var openFiles: Int
    var openFilesMax: Int

    static func now() -> ProcessFigures {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        let bytes = (try? FileAccess.read("/proc/self/statm", limit: 256)) ?? nil
        let words = String(decoding: bytes ?? [], as: UTF8.self).split(separator: " ")
        let pages = words.count > 1 ? Int64(words[1]) ?? 0 : 0
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        return ProcessFigures(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))), openFiles: openFiles(),
            openFilesMax: Int(clamping: UInt64(limits.rlim_cur)))
    }

    /// Counted in `/proc`; 0 where there is none.
    private static func openFiles() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Itself and its parent, and the folder that is open for counting.
        return max(0, count - 3)
    }
}
