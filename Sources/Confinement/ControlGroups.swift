import Domain
import Glibc

/// Whether this process could make control groups of its own, of version 2 or 1. Only asked; nothing is made.
public enum ControlGroups {
    /// - Parameter root: another folder than `/` for tests.
    public static func state(root: String = "") -> SandboxLayers.State {
        let mounts = LinuxText.lines("\(root)/proc/self/mounts").map { $0.split(separator: " ") }
        var found: [String] = []
        for line in LinuxText.lines("\(root)/proc/self/cgroup") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            let mount = mounts.first { fields in
                fields.count > 3
                    && (isSecond
                        ? fields[2] == "cgroup2"
                        : fields[2] == "cgroup" && fields[3].split(separator: ",").contains(parts[1]))
            }
            guard let mount else { continue }
            let folder = root + mount[1] + (parts[2] == "/" ? "" : parts[2])
            guard access(folder, W_OK) == 0 else { continue }
            if isSecond {
                let controllers = LinuxText.lines("\(folder)/cgroup.controllers").first ?? ""
                if controllers.contains("memory") { found.append("version 2: \(controllers)") }
            } else if ["cpu", "memory", "pids", "freezer"].contains(parts[1]) {
                found.append("version 1: \(parts[1])")
            }
        }
        guard !found.isEmpty else {
            return .init(.controlGroup, isActive: false, detail: "no control group can be written")
        }
        return .init(.controlGroup, isActive: true, detail: found.sorted().joined(separator: ", "))
    }
}
