import CPosix
import Domain
import Glibc

/// The process that starts an `Enclosure`: it makes the namespaces and waits. Its child is the first process of the new
/// PID namespace, and that one's child becomes the program. When any of the two ends, all that is inside ends.
///
/// All of them stay in one process group, so that whoever started this one stops, continues, asks to end and kills the
/// program by signals to that group.
public struct EnclosingProcess {
    private let enclosure: Enclosure
    private let report: (Enclosure.Report) -> Void
    /// After its input ended, the program gets SIGTERM and so many seconds.
    private static let graceSeconds = 10.0
    static let nobody: uid_t = 65534

    /// - Parameter report: writes a report to who started this process; called in children, too.
    public init(_ enclosure: Enclosure, report: @escaping (Enclosure.Report) -> Void) {
        self.enclosure = enclosure
        self.report = report
    }

    /// Runs the program to its end. Called while there is one thread. If the standard input is a pipe, its end means
    /// that nobody wants the program any more.
    ///
    /// - Returns: the exit code of this process: 0 when the program was started, however it ended; 78 otherwise.
    public func perform() -> Int32 {
        var layers = SandboxLayers()
        do throws(Fault) {
            let contents = try readContents()
            Self.blockSignals()
            umask(0o022)
            layers.set(.init(.noNewPrivileges, isActive: true, detail: try Confinement.giveUpNewPrivileges()))
            if enclosure.isInBackground { takeLowestPriority() }
            let root = try makeRoot(contents)
            for layer in Self.namespaceLayers { layers.set(.init(layer, isActive: true)) }
            return try wait(for: try startFirst(root, layers), layers)
        } catch {
            var said = Enclosure.Report(ending: .notStarted, layers: layers)
            said.words = error.message
            report(said)
            return FaultKind.configuration.rawValue
        }
    }

    private static let namespaceLayers: [SandboxLayer] = [
        .userNamespace, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace, .utsNamespace,
    ]

    private static func blockSignals() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { sigaddset(&set, signal) }
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    private func takeLowestPriority() {
        _ = millrace_lowest_priority()
        _ = millrace_set_idle_scheduling()
        _ = millrace_set_idle_disk()
    }

    private func readContents() throws(Fault) -> [EnclosureView.Content] {
        var contents: [EnclosureView.Content] = []
        for content in enclosure.contents {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var count = -1
            while count != 0 {
                count = pread(content.descriptor, &buffer, buffer.count, off_t(bytes.count))
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw SystemCall.fault("read \(content.place)") }
                bytes += buffer[..<count]
            }
            contents.append(.init(place: content.place, bytes: bytes, mode: content.isExecutable ? 0o555 : 0o444))
        }
        for content in enclosure.contents { close(content.descriptor) }
        return contents
    }

    /// Makes the namespaces, and in them the root folder. The machine's root makes its part first, since it can read
    /// what others cannot, and is then nobody for good.
    private func makeRoot(_ contents: [EnclosureView.Content]) throws(Fault) -> PrivateRoot {
        if enclosure.leftOut.contains(.userNamespace) {
            throw Fault(.configuration, "no namespaces: left out", advice: Namespaces.advice)
        }
        let kinds =
            Namespaces.mounts | Namespaces.network | Namespaces.ipc | Namespaces.uts | Namespaces.controlGroups
            | Namespaces.pids
        let view = EnclosureView(enclosure, contents: contents)
        guard geteuid() == 0, Self.nobodyExists else {
            try Namespaces.enter(kinds, uid: Self.nobody, gid: Self.nobody)
            let root = try view.root()
            try root.renew()
            return root
        }
        try Namespaces.enter(Namespaces.mounts, uid: nil, gid: nil)
        let root = try view.root()
        if let output = enclosure.output { try Self.giveAway(output.path, depth: 0) }
        guard millrace_set_groups_none() == 0, millrace_set_user(Self.nobody, Self.nobody) == 0 else {
            throw SystemCall.fault("become nobody")
        }
        // Who changes its user may not write the maps of its namespace otherwise: PR_SET_DUMPABLE.
        SystemCall.perform("prctl", 4, 1)
        try Namespaces.enter(kinds, uid: Self.nobody, gid: Self.nobody)
        try root.renew()
        return root
    }

    /// Root of a user namespace with one user has nobody to become; it is an ordinary user outside.
    private static var nobodyExists: Bool {
        LinuxText.lines("/proc/self/uid_map").contains { line in
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            return numbers.count == 3 && numbers[0] <= Int(nobody) && Int(nobody) < numbers[0] + numbers[2]
        }
    }

    /// The folder and what an earlier run left in it; links are changed themselves, not followed.
    private static func giveAway(_ path: String, depth: Int) throws(Fault) {
        guard lchown(path, nobody, nobody) == 0 else { throw SystemCall.fault("give \(path) to the program") }
        var status = stat()
        guard depth < 32, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        guard let names = FolderNames.list(path) else { throw SystemCall.fault("list \(path)") }
        for name in names { try giveAway("\(path)/\(name)", depth: depth + 1) }
    }

    /// - Returns: the first process of the namespace, as this process sees it.
    private func startFirst(_ root: PrivateRoot, _ layers: SandboxLayers) throws(Fault) -> pid_t {
        let child = millrace_fork()
        guard child >= 0 else { throw SystemCall.fault("start a process") }
        if child == 0 {
            var process = FirstProcess(enclosure, root: root, layers: layers, report: report)
            _exit(process.perform())
        }
        return child
    }

    /// The first process tells how the program ended, unless it is killed itself.
    private func wait(for first: pid_t, _ layers: SandboxLayers) throws(Fault) -> Int32 {
        let handle = millrace_pidfd_open(first)
        guard handle >= 0 else { throw SystemCall.fault("watch the program") }
        defer { close(handle) }
        var status = stat()
        let kind = fstat(0, &status) == 0 ? status.st_mode & S_IFMT : 0
        let hasLifeline = kind == S_IFIFO || kind == S_IFSOCK
        var ends = [
            pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
            pollfd(fd: hasLifeline ? 0 : -1, events: 0, revents: 0),
        ]
        var killAt: Double?
        while true {
            let left = killAt.map { max(0, $0 - millrace_monotonic_seconds()) * 1000 + 1 }
            let count = poll(&ends, 2, left.map { Int32($0) } ?? -1)
            if ends[0].revents != 0 { break }
            if let killAt, millrace_monotonic_seconds() >= killAt { kill(first, SIGKILL) }
            guard count > 0, ends[1].revents != 0 else { continue }
            ends[1].fd = -1
            kill(0, SIGTERM)
            kill(0, SIGCONT)
            killAt = millrace_monotonic_seconds() + Self.graceSeconds
        }
        var code: Int32 = 0
        var seconds = 0.0
        guard millrace_reap(first, &code, &seconds) == 0 else { throw SystemCall.fault("wait for the program") }
        let signal = millrace_wait_signal(code)
        guard signal != 0 else { return millrace_wait_code(code) }
        var said = Enclosure.Report(ending: .exited, layers: layers)
        said.signal = signal
        report(said)
        return 0
    }
}
