import Domain
import Glibc
import Synchronization
import WorkerHost

/// Version 2 of control groups in memory, with the kernel's rules as cgroup-v2.rst of its documentation has them: a
/// group whose children get controllers holds no processes itself, and a group has the files of the controllers that
/// its parent gives.
final class CgroupTwin: CgroupFiles {
    struct Group {
        /// Given to its children.
        var given: Set<String> = []
        var processes: Set<pid_t> = []
        var values: [String: String] = [:]
    }

    private let groups: Mutex<[String: Group]>
    /// Of the top: what there is to give.
    private let controllers: Set<String>
    private let hasIdle: Bool
    static let top = "/groups"
    static let unit = "/groups/unit"

    /// - Parameter others: processes in the unit's group beside this one.
    init(controllers: Set<String> = ["cpu", "memory"], others: [pid_t] = [], hasIdle: Bool = true) {
        self.controllers = controllers
        self.hasIdle = hasIdle
        groups = Mutex([
            Self.top: Group(given: controllers), Self.unit: Group(processes: Set(others + [getpid()])),
        ])
    }

    subscript(_ path: String) -> Group? { groups.withLock { $0[path] } }
    var paths: [String] { groups.withLock { $0.keys.sorted() } }

    /// What a service manager does behind our back.
    func set(_ path: String, _ name: String, _ text: String) { groups.withLock { $0[path]?.values[name] = text } }

    /// Gives controllers to the children of the unit's group from the start, as a container's root may do.
    func give(_ names: Set<String>) { groups.withLock { $0[Self.unit]?.given = names } }

    private static func refused(_ path: String, _ why: String) -> Fault { Fault(.osError, "\(path): \(why)") }

    private static func split(_ path: String) -> (folder: String, name: String) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    func read(_ path: String) throws(Fault) -> String {
        switch path {
        case "/proc-twin/self/mountinfo":
            return "25 1 0:22 / /sys rw - sysfs sysfs rw\n30 25 0:26 / \(Self.top) rw,nosuid - cgroup2 cgroup2 rw\n"
        case "/proc-twin/self/cgroup": return "0::/unit\n"
        default: break
        }
        let (folder, name) = Self.split(path)
        let found = groups.withLock { groups -> String? in
            guard let group = groups[folder] else { return nil }
            switch name {
            case "cgroup.controllers":
                return (folder == Self.top ? controllers : groups[Self.split(folder).folder]?.given ?? [])
                    .sorted().joined(separator: " ") + "\n"
            case "cgroup.subtree_control": return group.given.sorted().joined(separator: " ") + "\n"
            case "cgroup.procs": return group.processes.sorted().map { "\($0)\n" }.joined()
            default: return group.values[name]
            }
        }
        guard let found else { throw Self.refused(path, "there is no such file") }
        return found
    }

    func write(_ text: String, to path: String) throws(Fault) {
        let (folder, name) = Self.split(path)
        let problem = groups.withLock { groups -> String? in
            guard let group = groups[folder] else { return "there is no such group" }
            switch name {
            case "cgroup.procs":
                guard let pid = pid_t(text) else { return "no process" }
                guard group.given.isEmpty else { return "a group that gives controllers holds no processes" }
                for path in groups.keys { groups[path]?.processes.remove(pid) }
                groups[folder]?.processes.insert(pid)
            case "cgroup.subtree_control":
                let controller = String(text.dropFirst())
                if text.hasPrefix("-") {
                    groups[folder]?.given.remove(controller)
                } else {
                    guard group.processes.isEmpty else { return "it holds processes" }
                    guard groups[Self.split(folder).folder]?.given.contains(controller) == true else {
                        return "there is no such controller"
                    }
                    groups[folder]?.given.insert(controller)
                }
            case let file:
                let controller = String(file.prefix { $0 != "." })
                guard groups[Self.split(folder).folder]?.given.contains(controller) == true,
                    hasIdle || file != "cpu.idle"
                else { return "there is no such file" }
                groups[folder]?.values[file] = text
            }
            return nil
        }
        if let problem { throw Self.refused(path, problem) }
    }

    func makeFolder(_ path: String) throws(Fault) -> Bool {
        groups.withLock {
            guard $0[path] == nil else { return false }
            $0[path] = Group()
            return true
        }
    }

    func removeFolder(_ path: String) throws(Fault) {
        let isBusy = groups.withLock { groups in
            if groups[path]?.processes.isEmpty == false { return true }
            groups[path] = nil
            return false
        }
        if isBusy { throw Self.refused(path, "it holds processes") }
    }

    func names(in path: String) throws(Fault) -> [String] {
        groups.withLock { $0.keys.filter { Self.split($0).folder == path }.map { Self.split($0).name }.sorted() }
    }
}
