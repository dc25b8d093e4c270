import Glibc
import WorkerHost

/// How many processors this process may use: those that are there, of them those that it is bound to (taskset, cpuset,
/// a batch job), and no more than its control groups give it time for. Sources: proc_pid_status(5), the kernel's
/// cgroup-v2.rst and sched-bwc.rst.
package enum ProcessorCount {
    /// - Parameter proc: where `/proc` is, `self/mountinfo` and `self/cgroup` included; another folder in tests.
    /// - Returns: 1 or more.
    package static func usable(proc: String = "/proc") -> Int {
        let there = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return max(1, min(there, bound(proc: proc) ?? there, quota(proc: proc) ?? there))
    }

    /// Of the list that the kernel keeps for this process, as in `0-3,6`; nil: it does not say.
    package static func bound(proc: String) -> Int? {
        let line = (ProcessTimes.text("\(proc)/self/status") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed_list:") }
        guard let list = line?.split(whereSeparator: \.isWhitespace).last else { return nil }
        var count = 0
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").map { Int($0) ?? -1 }
            guard let first = ends.first, let last = ends.last, first >= 0, last >= first, last < 65_536 else {
                return nil
            }
            count += last - first + 1
        }
        return count > 0 ? count : nil
    }

    /// Of the tightest control group, begun processors counted whole; nil: none bounds it.
    package static func quota(proc: String) -> Int? {
        guard let hierarchy = CgroupHierarchy.find(.cpu, proc: proc, files: KernelCgroupFiles()) else { return nil }
        return hierarchy.foldersUpwards.compactMap { quota(folder: $0, version: hierarchy.version) }.min()
    }

    private static func quota(folder: String, version: Int) -> Int? {
        let words =
            version == 1
            ? ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { ProcessTimes.text("\(folder)/\($0)") ?? "" }
            : (ProcessTimes.text("\(folder)/cpu.max") ?? "").split(separator: " ").map(String.init)
        let numbers = words.map { Double($0.filter { !$0.isWhitespace }) }
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else {
            return nil
        }
        return Int(min((quota / period).rounded(.up), 65_536))
    }
}
