import Domain

/// A hierarchy of control groups that has a controller, and the group of it that a process is in.
///
/// Sources: proc_pid_mountinfo(5), cgroups(7).
package struct CgroupHierarchy: Hashable, Sendable {
    /// What a group can bound.
    package enum Controller: String, Sendable, CaseIterable { case cpu, memory }

    /// 1 or 2.
    package var version: Int
    package var controller: Controller
    /// Where it is mounted.
    package var mount: String
    /// The process's own group: a folder at or below `mount`.
    package var folder: String

    package init(version: Int, controller: Controller, mount: String, folder: String) {
        self.version = version
        self.controller = controller
        self.mount = mount
        self.folder = folder
    }

    /// - Parameter proc: where `/proc` is.
    /// - Returns: nil when there is none with this controller, or none of which this process sees its own group.
    package static func find(_ controller: Controller, proc: String, files: any CgroupFiles) -> CgroupHierarchy? {
        guard let mounts = try? files.read("\(proc)/self/mountinfo"), let own = try? files.read("\(proc)/self/cgroup")
        else { return nil }
        for line in mounts.split(separator: "\n") {
            guard let mount = Mount(line) else { continue }
            let version: Int
            switch mount.kind {
            case "cgroup" where mount.options.contains(controller.rawValue[...]): version = 1
            case "cgroup2": version = 2
            default: continue
            }
            guard let path = ownPath(own, version == 1 ? controller : nil), let folder = mount.folder(of: path)
            else { continue }
            if version == 2 {
                let there = (try? files.read("\(folder)/cgroup.controllers")) ?? ""
                guard there.split(whereSeparator: \.isWhitespace).contains(controller.rawValue[...]) else { continue }
            }
            return CgroupHierarchy(version: version, controller: controller, mount: mount.point, folder: folder)
        }
        return nil
    }

    /// The own group's path from `/proc/self/cgroup`: `4:cpu,cpuacct:/path`, or `0::/path` for version 2.
    private static func ownPath(_ text: String, _ controller: Controller?) -> Substring? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isIt =
                controller.map { parts[1].split(separator: ",").contains($0.rawValue[...]) }
                ?? (parts[0] == "0" && parts[1].isEmpty)
            if isIt { return parts[2] }
        }
        return nil
    }

    /// The groups from the own one up to the mount, which is the last.
    package var foldersUpwards: [String] {
        var folders = [folder]
        while let last = folders.last, last.count > mount.count { folders.append(Files.parent(of: last)) }
        return folders
    }

    /// One line of `mountinfo`: `36 35 98:0 /root /point options ... - kind source superoptions`.
    private struct Mount {
        var root: String
        var point: String
        var kind: Substring
        var options: [Substring]

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            root = Self.unescaped(fields[3])
            point = Self.unescaped(fields[4])
            kind = fields[dash + 1]
            options = fields[dash + 3].split(separator: ",")
        }

        /// The folder of a group. In a container the mount may show only a part of the hierarchy.
        func folder(of path: Substring) -> String? {
            guard !path.hasPrefix("/..") else { return nil }
            var below = path
            if root != "/" {
                guard below.hasPrefix(root) else { return nil }
                below = below.dropFirst(root.count)
            }
            guard below.isEmpty || below.hasPrefix("/") else { return nil }
            return below == "/" ? point : point + below
        }

        /// Blanks and the like are written as `\040`.
        private static func unescaped(_ text: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while let first = rest.popFirst() {
                if first == UInt8(ascii: "\\"), rest.count >= 3,
                    let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(first)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
