import CPosix
import Domain
import Glibc

/// Makes what the probes try to get at, and takes it away again.
final class SelftestStage {
    private(set) var scene = EscapeScene()
    private var descriptors: [Int32] = []
    private let stranger: ChildProcess
    private let strangerInput: Int32
    /// The other end of a terminal; nil where there is none to be had.
    private(set) var terminal: Int32?
    /// A descriptor that no probe is given.
    let treasure: Int32

    /// - Throws: what the system refuses.
    init() throws(Fault) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/millrace-selftest-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Files.fault("make a folder in", base) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        scene.folder = folder
        scene.parent = getpid()
        let input = try Pipe()
        strangerInput = input.writing
        defer { close(input.reading) }
        // It ends with this process at the latest.
        stranger = try ChildProcess.start(
            ChildProcess.Launch(
                executable: "/bin/cat", arguments: [], folder: "/", input: input.reading, output: input.reading,
                errors: input.reading))
        scene.stranger = stranger.pid
        treasure = open("/dev/null", O_RDONLY | O_CLOEXEC)
        for name in ["home/.ssh", "slots/2", "outside", "program", "cache"] {
            try Files.makeFolder("\(folder)/\(name)", mode: 0o755)
        }
        for file in [scene.home, scene.key, scene.otherTask, "\(scene.outside)/file", "\(folder)/input"] {
            try Files.replace(file, with: Array("secret\n".utf8), durable: false)
        }
        try Files.replace("\(folder)/program/own", with: Array("#!/bin/true\n".utf8), mode: 0o755, durable: false)
        openSockets()
        shareMemory()
        openTerminal()
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
        close(treasure)
        close(strangerInput)
        stranger.signal(SIGKILL)
        stranger.reap()
        if scene.sharedMemory >= 0 { shmctl(scene.sharedMemory, IPC_RMID, nil) }
        if scene.messageQueue >= 0 { msgctl(scene.messageQueue, IPC_RMID, nil) }
        unlink("/dev/shm/\(scene.posixName)")
        millrace_remove_queue(scene.posixName)
        try? Files.remove(scene.folder)
    }

    /// A folder for one probe, and the scene as that probe sees it.
    func scene(for place: Int, _ sandbox: EscapeProbe.Sandbox?, worker: String) throws(Fault) -> EscapeScene {
        var scene = scene
        let own = "\(scene.folder)/slots/probe\(place)"
        try Files.makeFolder(own)
        try Files.replace("\(own)/unit", with: Array("unit\n".utf8), durable: false)
        if scene.messageQueue >= 0 { millrace_send_message(scene.messageQueue) }
        scene.own = sandbox == .program ? "/output" : own
        scene.input = sandbox == .program ? "/input/file" : "\(scene.folder)/input"
        switch sandbox {
        case .kernel: scene.program = worker
        case .program: scene.program = "/program/millrace-worker"
        case nil: scene.program = "\(scene.folder)/program/own"
        }
        scene.patienceSeconds = sandbox == nil ? 0 : 60
        return scene
    }

    private func openSockets() {
        scene.tcp4 = listen(family: 2, kind: 1, [2, 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8))
        scene.tcp6 = listen(
            family: 10, kind: 1, [10, 0] + [UInt8](repeating: 0, count: 21) + [1] + [UInt8](repeating: 0, count: 4))
        scene.udp = listen(family: 2, kind: 2, [2, 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8))
        // Folders of tests lie deep sometimes; a socket's name has 108 bytes.
        _ = listen(family: 1, kind: 1, [1, 0] + Array(scene.socket.utf8.prefix(105)) + [0])
        scene.abstractName = "millrace-selftest-\(getpid())-\(scene.tcp4)"
        _ = listen(family: 1, kind: 1, [1, 0, 0] + Array(scene.abstractName.utf8))
        scene.displayName = "/tmp/.X11-unix/X\(getpid())\(scene.tcp4)"
        _ = listen(family: 1, kind: 1, [1, 0, 0] + Array(scene.displayName.utf8))
    }

    /// - Returns: the port; 0 when it could not be opened, or has none.
    private func listen(family: Int32, kind: Int32, _ address: [UInt8]) -> UInt16 {
        let descriptor = socket(family, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return 0 }
        descriptors.append(descriptor)
        var name = [UInt8](repeating: 0, count: 128)
        var count = socklen_t(name.count)
        let isBound = address.withUnsafeBytes { bytes in
            bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
        guard isBound, kind != 1 || Glibc.listen(descriptor, 64) == 0 else { return 0 }
        let isNamed = name.withUnsafeMutableBytes { bytes in
            getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &count) == 0
        }
        return isNamed ? UInt16(name[2]) << 8 | UInt16(name[3]) : 0
    }

    private func shareMemory() {
        scene.sharedMemory = shmget(0 /* IPC_PRIVATE */, 4096, 0o600)
        scene.messageQueue = msgget(0, 0o600)
        scene.posixName = "millrace-selftest-\(getpid())-\(scene.tcp4)"
        let memory = open("/dev/shm/\(scene.posixName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if memory >= 0 { close(memory) }
        millrace_make_queue(scene.posixName)
    }

    private func openTerminal() {
        var control: Int32 = -1
        let end = millrace_open_terminal(&control)
        for descriptor in [control, end] where descriptor >= 0 { descriptors.append(descriptor) }
        if end >= 0 { terminal = end }
    }
}
