import ClientCore
import Domain
import WorkerHost

/// Reads what memory there is: of the machine, of the control groups that the client is in, and how long programs had
/// to wait for it. Whichever leaves the least counts. Sources: proc_meminfo(5), the kernel's psi.rst and cgroup-v2.rst.
public struct MemoryGauge {
    private let proc: String
    private let hierarchy: CgroupHierarchy?
    /// What version 1 says where there is no bound is some number beyond this.
    private static let boundBytesMax: Int64 = 1 << 60

    /// - Parameter proc: where `/proc` is, `self/mountinfo` and `self/cgroup` included; another folder in tests.
    public init(proc: String = "/proc") {
        self.proc = proc
        hierarchy = CgroupHierarchy.find(.memory, proc: proc, files: KernelCgroupFiles())
    }

    /// - Returns: nil when the machine does not say.
    public func read() -> MemoryReading? {
        let machine = Self.fields("\(proc)/meminfo")
        guard let total = machine["MemTotal:"].map({ $0 * 1024 }),
            let available = machine["MemAvailable:"].map({ $0 * 1024 })
        else { return nil }
        var tightest = MemoryReading(availableBytes: available, totalBytes: total, pressure: pressure())
        for folder in hierarchy?.foldersUpwards ?? [] {
            guard let group = group(folder), group.available < tightest.availableBytes else { continue }
            tightest.availableBytes = group.available
            tightest.totalBytes = min(total, group.bound)
        }
        return tightest
    }

    /// What this process can have at most: of the machine, or of its control groups.
    public func totalBytes() -> Int64? {
        guard let machine = Self.fields("\(proc)/meminfo")["MemTotal:"] else { return nil }
        return (hierarchy?.foldersUpwards ?? []).compactMap { group($0)?.bound }.reduce(machine * 1024, min)
    }

    /// What a control group lets its processes take still; nil: it has no bound.
    private func group(_ folder: String) -> (available: Int64, bound: Int64)? {
        let isFirst = hierarchy?.version == 1
        guard let bound = number("\(folder)/\(isFirst ? "memory.limit_in_bytes" : "memory.max")"),
            bound < Self.boundBytesMax,
            let used = number("\(folder)/\(isFirst ? "memory.usage_in_bytes" : "memory.current")")
        else { return nil }
        // Files that were read once and lie there are given up before anything is refused.
        let idle = Self.fields("\(folder)/memory.stat")[isFirst ? "total_inactive_file" : "inactive_file"] ?? 0
        return (max(0, bound - max(0, used - idle)), bound)
    }

    /// `some avg10=1.25 avg60=...`: percent.
    private func pressure() -> Double? {
        guard
            let line = ProcessTimes.text("\(proc)/pressure/memory")?.split(separator: "\n").first(where: {
                $0.hasPrefix("some ")
            })
        else { return nil }
        let field = line.split(separator: " ").first { $0.hasPrefix("avg10=") }
        return field.flatMap { Double($0.dropFirst(6)) }
    }

    private func number(_ path: String) -> Int64? {
        ProcessTimes.text(path).flatMap { Int64($0.filter { !$0.isWhitespace }) }
    }

    /// Lines of a name and a number.
    private static func fields(_ path: String) -> [String: Int64] {
        var fields: [String: Int64] = [:]
        for line in (ProcessTimes.text(path) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            if words.count >= 2, let number = Int64(words[1]) { fields[String(words[0])] = number }
        }
        return fields
    }
}
