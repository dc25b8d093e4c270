import Domain
import Glibc
import Synchronization

/// A control group of our own, below the one that this process is in, for one controller. Its name has the process's
/// number and the moment of its start: what a dead client has left is known by them and removed by the next one.
///
/// Nothing is written to groups that hold anybody else. Where version 2 of control groups asks that the group above
/// holds no processes, and it holds only this process and its children, they move to a group of their own first.
final class WorkerGroup: Sendable {
    let hierarchy: CgroupHierarchy
    /// The folder of the group.
    let path: String
    /// Where this process and its other children went.
    private let leaf: String?
    private let files: any CgroupFiles

    private static let prefix = "millrace-"
    private static let leafSuffix = "-client"
    private static let periodMicroseconds = 100_000.0
    /// The kernel takes no less than a millisecond a period.
    private static let quotaMicrosecondsMin = 1000.0

    /// A name that no other process has, nor another call of this one.
    static func newName() -> String {
        let serial = serials.add(1, ordering: .relaxed).newValue
        return "\(prefix)\(getpid())-\(ProcessTimes.start(of: getpid()) ?? 0)-\(serial)"
    }

    private static let serials = Atomic<Int>(0)

    /// - Parameters:
    ///   - name: of `newName`; in version 2 two controllers with one name are one group.
    ///   - proc: where `/proc` is.
    /// - Throws: why there can be none; nothing is left behind.
    init(
        _ controller: CgroupHierarchy.Controller, name: String, proc: String, files: any CgroupFiles
    ) throws(Fault) {
        guard let hierarchy = CgroupHierarchy.find(controller, proc: proc, files: files) else {
            throw Fault(.configuration, "there is no control group with the controller \(controller.rawValue)")
        }
        self.hierarchy = hierarchy
        self.files = files
        path = "\(hierarchy.folder)/\(name)"
        Self.removeLeftovers(in: hierarchy.folder, files: files)
        let leaf = "\(path)\(Self.leafSuffix)"
        self.leaf = try Self.giveController(of: hierarchy, leaf: leaf, proc: proc, files: files) ? leaf : nil
        do throws(Fault) {
            _ = try files.makeFolder(path)
            try rankLast()
        } catch {
            remove()
            throw error
        }
    }

    /// A group competes as a whole: without this, tasks that each stand behind everybody else would together get as
    /// much as everybody else.
    private func rankLast() throws(Fault) {
        guard hierarchy.controller == .cpu else { return }
        do throws(Fault) { try files.write("1", to: "\(path)/cpu.idle") } catch {
            // Before Linux 5.15: the smallest share that there is.
            let (name, least) = hierarchy.version == 2 ? ("cpu.weight", "1") : ("cpu.shares", "2")
            try files.write(least, to: "\(path)/\(name)")
        }
    }

    // MARK: What it is for

    /// Takes a process in with all its descendants; those that come later are born into it.
    ///
    /// - Throws: when the process itself cannot be taken in.
    func add(_ pid: pid_t, proc: String = "/proc") throws(Fault) {
        try files.write("\(pid)", to: "\(path)/cgroup.procs")
        // Only now: a child that is not listed yet has a parent that is in the group already.
        for child in ProcessTree.members(of: pid, proc: proc).dropFirst() {
            // It may have ended meanwhile.
            try? files.write("\(child)", to: "\(path)/cgroup.procs")
        }
    }

    /// - Parameter cores: for all processes of the group together; nil: as many as there are.
    func limitCPU(cores: Double?) throws(Fault) {
        let quota = cores.map { Int(max(Self.quotaMicrosecondsMin, $0 * Self.periodMicroseconds)) }
        let period = Int(Self.periodMicroseconds)
        if hierarchy.version == 2 {
            try files.write("\(quota.map(String.init) ?? "max") \(period)", to: "\(path)/cpu.max")
        } else {
            try files.write("\(period)", to: "\(path)/cpu.cfs_period_us")
            try files.write("\(quota ?? -1)", to: "\(path)/cpu.cfs_quota_us")
        }
    }

    /// Whether the kernel still has the bound that was set: a service manager may take a controller away.
    func hasCPULimit(cores: Double?) -> Bool {
        let quota = cores.map { Int(max(Self.quotaMicrosecondsMin, $0 * Self.periodMicroseconds)) }
        let name = hierarchy.version == 2 ? "cpu.max" : "cpu.cfs_quota_us"
        let word = (try? files.read("\(path)/\(name)"))?.split(whereSeparator: \.isWhitespace).first
        return word.map(String.init) == (quota.map(String.init) ?? (hierarchy.version == 2 ? "max" : "-1"))
    }

    /// - Parameter bytes: for all processes of the group together, files that they read included; nil: no bound.
    func limitMemory(bytes: Int64?) throws(Fault) {
        let name = hierarchy.version == 2 ? "memory.max" : "memory.limit_in_bytes"
        let none = hierarchy.version == 2 ? "max" : "-1"
        try files.write(bytes.map(String.init) ?? none, to: "\(path)/\(name)")
    }

    /// Removes the group, when its processes have ended, and moves this process back to where it was.
    func remove() {
        // The last of them may be on its way out.
        for _ in 0..<100 {
            do throws(Fault) {
                try files.removeFolder(path)
                break
            } catch { usleep(10_000) }
        }
        if let leaf { Self.returnFromLeaf(leaf, to: hierarchy.folder, files: files) }
    }

    // MARK: Making room

    /// Sees to it that groups below this folder have the controller.
    ///
    /// - Returns: whether this process has moved to `leaf` for that.
    private static func giveController(
        of hierarchy: CgroupHierarchy, leaf: String, proc: String, files: any CgroupFiles
    ) throws(Fault) -> Bool {
        let folder = hierarchy.folder
        let control = "\(folder)/cgroup.subtree_control"
        guard hierarchy.version == 2,
            !(try files.read(control)).split(whereSeparator: \.isWhitespace).contains(
                hierarchy.controller.rawValue[...])
        else { return false }
        let inhabitants = try files.read("\(folder)/cgroup.procs").split(separator: "\n").compactMap { pid_t($0) }
        let ours = Set(ProcessTree.members(of: getpid(), proc: proc))
        guard inhabitants.allSatisfy(ours.contains) else {
            throw Fault(
                .configuration, "the control group \(folder) holds other programs, too",
                advice: "Give the client a control group of its own: Delegate=yes in its systemd unit.")
        }
        _ = try files.makeFolder(leaf)
        do throws(Fault) {
            for pid in inhabitants { try files.write("\(pid)", to: "\(leaf)/cgroup.procs") }
            // All that could be of use, since this is the moment at which it is possible; the one asked for must be.
            for controller in CgroupHierarchy.Controller.allCases where controller != hierarchy.controller {
                try? files.write("+\(controller.rawValue)", to: control)
            }
            try files.write("+\(hierarchy.controller.rawValue)", to: control)
        } catch {
            returnFromLeaf(leaf, to: folder, files: files)
            throw error
        }
        return true
    }

    private static func returnFromLeaf(_ leaf: String, to folder: String, files: any CgroupFiles) {
        for controller in CgroupHierarchy.Controller.allCases {
            try? files.write("-\(controller.rawValue)", to: "\(folder)/cgroup.subtree_control")
        }
        let inhabitants = (try? files.read("\(leaf)/cgroup.procs")) ?? ""
        for pid in inhabitants.split(separator: "\n") { try? files.write("\(pid)", to: "\(folder)/cgroup.procs") }
        try? files.removeFolder(leaf)
    }

    /// Removes the groups of clients that live no more. A group that still holds
    /// processes stays: the kernel sees to it.
    private static func removeLeftovers(in folder: String, files: any CgroupFiles) {
        for name in (try? files.names(in: folder)) ?? [] where name.hasPrefix(prefix) {
            let parts = name.dropFirst(prefix.count).split(separator: "-")
            guard parts.count >= 2, let pid = pid_t(parts[0]), let start = UInt64(parts[1]),
                ProcessTimes.start(of: pid) != start
            else { continue }
            try? files.removeFolder("\(folder)/\(name)")
        }
    }
}
