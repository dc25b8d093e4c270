import Confinement
import Domain
import Foundation
import Testing

@Suite("Control groups")
struct ControlGroupTests {
    /// A file system with these files, removed with the object.
    final class Root {
        let path: String

        init(_ files: [String: String], folders: [String] = []) throws {
            let url = FileManager.default.temporaryDirectory.appending(path: "millrace-test-\(UUID().uuidString)")
            path = url.path
            for folder in folders {
                try FileManager.default.createDirectory(
                    at: url.appending(path: folder), withIntermediateDirectories: true)
            }
            for (name, text) in files {
                let file = url.appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: false, encoding: .utf8)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test("Version 2, where the group can be written and has memory")
    func second() throws {
        let root = try Root([
            "proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "proc/self/cgroup": "0::/user/a\n",
            "sys/fs/cgroup/user/a/cgroup.controllers": "cpu memory pids\n",
        ])
        let state = ControlGroups.state(root: root.path)
        #expect(state == .init(.controlGroup, isActive: true, detail: "version 2: cpu memory pids"))
    }

    @Test("Version 1, each controller that can be written")
    func first() throws {
        let root = try Root(
            [
                "proc/self/mounts": """
                cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
                cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
                """,
                "proc/self/cgroup": "3:memory:/a\n2:cpu:/\n1:name=systemd:/\n",
            ], folders: ["sys/fs/cgroup/memory/a", "sys/fs/cgroup/cpu"])
        let state = ControlGroups.state(root: root.path)
        #expect(state == .init(.controlGroup, isActive: true, detail: "version 1: cpu, version 1: memory"))
    }

    @Test("None: not mounted, not there, without controllers")
    func none() throws {
        let files: [[String: String]] = [
            [:], ["proc/self/cgroup": "0::/\n"],
            [
                "proc/self/mounts": "cgroup2 /c cgroup2 rw 0 0\n", "proc/self/cgroup": "0::/gone\n",
                "c/cgroup.controllers": "memory\n",
            ],
            [
                "proc/self/mounts": "cgroup2 /c cgroup2 rw 0 0\n", "proc/self/cgroup": "0::/\n",
                "c/cgroup.controllers": "hugetlb\n",
            ],
        ]
        for files in files {
            let root = try Root(files, folders: ["proc"])
            #expect(!ControlGroups.state(root: root.path).isActive, "\(files)")
        }
    }
}
