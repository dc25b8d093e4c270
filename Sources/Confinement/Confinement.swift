import CPosix
import Domain
import Glibc

/// Shuts this process in: for the kernels that are part of Millrace, which need nothing but a processor, memory, their
/// inputs and a folder.
public struct Confinement: Sendable {
    /// Folders in which it may make, change and remove files; the first one becomes the current folder.
    public var folders: [String]
    /// Files that it may read. They are read-only even where they lie in one of the folders.
    public var files: [String]
    /// Layers that are left out, as if this computer did not have them: for tests, and for who has reasons.
    public var leftOut: Set<SandboxLayer>

    public init(folders: [String], files: [String], leftOut: Set<SandboxLayer> = []) {
        self.folders = folders
        self.files = files
        self.leftOut = leftOut
    }

    /// What the environment may tell a worker.
    private static let variables = ["LANG", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    /// Bounds that hold before the work unit's own are known; the least that any unit needs is far below.
    private static let firstBounds = Bounds(processes: 64, openFiles: 512)

    /// Forgets what this process may have inherited: descriptors beyond the standard three, and the environment.
    public static func forgetInheritance() {
        millrace_close_from(3)
        let kept = variables.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }
        _ = millrace_clear_environment()
        for (name, value) in kept { setenv(name, value, 1) }
        forgetCrashes()
    }

    /// A language's runtime may want to tell a story when it crashes, which takes another program: its signal will do.
    public static func forgetCrashes() {
        for crash in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { signal(crash, SIG_DFL) }
    }

    /// Enters every layer that this computer lets it enter; there is no way back out of any. Called while there is one
    /// thread, after `forgetInheritance`, before anything of a project is read.
    ///
    /// - Returns: which layers hold, and why the others do not. Whether that is enough is the caller's matter.
    public func enter() -> SandboxLayers {
        var layers = SandboxLayers()
        let threads = Self.threadCount()
        guard threads == 1 else {
            let why = threads.map { "the process has \($0) threads already" } ?? "its threads cannot be counted"
            for layer in SandboxLayer.allCases { layers.set(.init(layer, isActive: false, detail: why)) }
            return layers
        }
        note(.noNewPrivileges, in: &layers) { () throws(Fault) in try Self.giveUpNewPrivileges() }
        enterNamespaces(&layers)
        _ = millrace_drop_capabilities()
        note(.landlock, in: &layers) { () throws(Fault) in
            let rules =
                folders.map { Landlock.Rule($0, .write) } + files.map { Landlock.Rule($0, .read) }
            return "version \(try Landlock.restrict(to: rules))"
        }
        layers.landlockVersion = layers.isActive(.landlock) ? Landlock.version : 0
        var bounds = Self.firstBounds
        // Outside of a user namespace all processes of the user count.
        if !layers.isActive(.userNamespace) { bounds.processes = nil }
        note(.resourceLimits, in: &layers) { () throws(Fault) in
            try bounds.apply()
            return ""
        }
        note(.seccomp, in: &layers) { () throws(Fault) in
            guard let filter = CallFilter(.kernel(pid: getpid()), refusal: .signal) else {
                throw Fault(.configuration, "there is no filter for this processor architecture")
            }
            guard millrace_tell_refused_calls() == 0 else { throw SystemCall.fault("handle SIGSYS") }
            try filter.install()
            return "\(filter.instructions.count) instructions"
        }
        layers.set(.init(.pidNamespace, isActive: false, detail: "not used: it may signal and trace nobody anyway"))
        return layers
    }

    private func note(
        _ layer: SandboxLayer, in layers: inout SandboxLayers, _ enter: () throws(Fault) -> String
    ) {
        guard !leftOut.contains(layer) else {
            layers.set(.init(layer, isActive: false, detail: "left out"))
            return
        }
        do throws(Fault) { layers.set(.init(layer, isActive: true, detail: try enter())) } catch {
            layers.set(.init(layer, isActive: false, detail: error.message))
        }
    }

    static func giveUpNewPrivileges() throws(Fault) -> String {
        guard SystemCall.perform("prctl", 38 /* PR_SET_NO_NEW_PRIVS */, 1) == 0 else {
            throw SystemCall.fault("give up new privileges")
        }
        return ""
    }

    private static let namespaceLayers: [SandboxLayer] = [
        .userNamespace, .mountNamespace, .networkNamespace, .ipcNamespace, .utsNamespace,
    ]

    private func enterNamespaces(_ layers: inout SandboxLayers) {
        let kinds =
            Namespaces.mounts | Namespaces.network | Namespaces.ipc | Namespaces.uts | Namespaces.controlGroups
        var hasUsers = true
        do throws(Fault) {
            if leftOut.contains(.userNamespace) { throw Fault(.configuration, "left out") }
            do throws(Fault) {
                try Namespaces.enter(kinds, uid: geteuid(), gid: getegid())
            } catch {
                // The machine's root may do without one of users.
                guard geteuid() == 0 else { throw error }
                try Namespaces.enter(kinds, uid: nil, gid: nil)
                hasUsers = false
            }
        } catch {
            for layer in Self.namespaceLayers { layers.set(.init(layer, isActive: false, detail: error.message)) }
            return
        }
        for layer in Self.namespaceLayers { layers.set(.init(layer, isActive: true)) }
        if !hasUsers { layers.set(.init(.userNamespace, isActive: false, detail: "this system has none for root")) }
        note(.mountNamespace, in: &layers) { () throws(Fault) in
            try enterRoot()
            return ""
        }
    }

    private func enterRoot() throws(Fault) {
        let root = try PrivateRoot(avoiding: folders + files, bytesMax: 1 << 20)
        for folder in folders { try root.put(.init(source: folder, place: folder, use: .write)) }
        // What is not there is missed by who wants to read it, and told by its name.
        for file in files { try root.put(.init(source: file, place: file, use: .read, isOptional: true)) }
        try root.enter()
        guard let folder = folders.first, chdir(folder) == 0 else { throw SystemCall.fault("change the folder") }
    }

    /// nil: that cannot be told; then it must not be taken for one.
    ///
    /// - Parameter folder: another one than this process's own, for tests.
    package static func threadCount(in folder: String = "/proc/self/task") -> Int? {
        FolderNames.list(folder)?.count
    }
}
