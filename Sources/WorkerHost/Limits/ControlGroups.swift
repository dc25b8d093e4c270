import Domain
import Glibc

/// Whether this process could make control groups of its own. Only asked; nothing is made.
public enum ControlGroups {
    public static func state() -> SandboxLayers.State {
        state(proc: "/proc", files: KernelCgroupFiles()) { access($0, W_OK) == 0 }
    }

    /// - Parameter isWritable: whether a folder can be written.
    package static func state(
        proc: String, files: any CgroupFiles, isWritable: (String) -> Bool
    ) -> SandboxLayers.State {
        let found = CgroupHierarchy.Controller.allCases.compactMap { controller -> String? in
            let hierarchy = CgroupHierarchy.find(controller, proc: proc, files: files)
            guard let hierarchy, isWritable(hierarchy.folder) else { return nil }
            return "\(controller.rawValue) of version \(hierarchy.version)"
        }
        guard !found.isEmpty else {
            return .init(.controlGroup, isActive: false, detail: "no control group can be written")
        }
        return .init(.controlGroup, isActive: true, detail: found.joined(separator: ", "))
    }
}
