import CPosix
import Glibc

/// A process with all its descendants, from `/proc`.
package enum ProcessTree {
    /// More than any task starts; a tree that grows while it is walked must not be walked for ever.
    private static let processesMax = 4096

    /// Parents before their children, the process itself first; without those whose parent has ended.
    package static func members(of pid: pid_t, proc: String = "/proc") -> [pid_t] {
        var members = [pid]
        var next = 0
        while next < members.count, members.count < processesMax {
            let folder = "\(proc)/\(members[next])/task"
            next += 1
            for thread in (try? Files.names(in: folder)) ?? [] {
                let text = ProcessTimes.text("\(folder)/\(thread)/children") ?? ""
                members += text.split(separator: " ").compactMap { pid_t($0) }
            }
        }
        return members
    }

    /// CPU seconds of the process, of its living descendants, and of those that they have waited for; nil when the
    /// process is gone.
    package static func cpuSeconds(of pid: pid_t, proc: String = "/proc") -> Double? {
        var sum: Double?
        for member in members(of: pid, proc: proc) {
            let own = millrace_process_cpu_seconds(member)
            guard own >= 0 else { continue }
            sum = (sum ?? 0) + own + (ProcessTimes.collectedCPUSeconds(of: member, proc: proc) ?? 0)
        }
        return sum
    }
}
