import CPosix
import Glibc
import WorkerHost

/// Ways to hold memory and disk where the sandbox, which looks now and then, could fail to see them.
extension ProbeCommand {
    private static let pieces = 64
    private static let pieceBytes = 1 << 20

    static let meterProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "memory-leader": { scene in
            withoutLeader {
                let memory = mmap(nil, 320 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                guard let memory, memory != MAP_FAILED else { return .of("mmap", -1) }
                memset(memory, 1, 320 << 20)
                return stillOpen(scene, "320 MiB were taken")
            }
        },
        "memory-shared": { scene in
            for _ in 0..<5 {
                let memory = mmap(nil, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
                guard let memory, memory != MAP_FAILED else { return .of("mmap", -1) }
                memset(memory, 1, 64 << 20)
                munmap(memory + 4096, 64 << 20 - 4096)
            }
            return stillOpen(scene, "320 MiB were taken")
        },
        "disk-fill-reserved": { scene in
            let file = open("\(scene.own)/reserved", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return .of("create", file) }
            defer { close(file) }
            let many = pieces * pieceBytes
            // FALLOC_FL_KEEP_SIZE; and FS_IOC_RESVSP64, whose struct has kind and origin, start, length, and more.
            let first = EscapeFinding.call("fallocate", Int(file), 1, 0, many)
            let range: [Int64] = [0, 0, Int64(many), 0, 0, 0, 0]
            return firstOpen([
                first,
                range.withUnsafeBytes { .call("ioctl", Int(file), 0x4030_582a, Int(bitPattern: $0.baseAddress)) },
            ])
        },
        "disk-fill-hidden": { fillClosed($0, mode: 0o300) },
        "disk-fill-closed": { fillClosed($0, mode: 0o400) },
        "disk-fill-leader": { scene in withoutLeader { holdRemoved(scene, "when the first thread had ended") } },
        "disk-fill-thread": { scene in
            inThread {
                // CLOSE_RANGE_UNSHARE: from now on, this thread's descriptors are its own.
                let own = EscapeFinding.call("close_range", 1 << 20, Int(UInt32.max), 2)
                return own.outcome == .open ? holdRemoved(scene, "in one thread alone") : own
            }
        },
        "disk-fill-sent": { scene in
            var ends: [Int32] = [-1, -1]
            let pair = socketpair(1, 1, 0, &ends)
            guard pair == 0 else { return .of("socketpair", pair) }
            for at in 0..<pieces {
                let held = hold("\(scene.own)/sent\(at)")
                guard held.descriptor >= 0 else { return held.finding }
                guard millrace_send_descriptor(ends[0], held.descriptor) >= 0 else { return .of("sendmsg", -1) }
                close(held.descriptor)
            }
            return stillOpen(scene, "64 MiB were sent")
        },
        // RLIMIT_NOFILE: without descriptors it could not look at anything.
        "watcher-bounds": { _ in
            let bound: [UInt64] = [0, 0]
            return bound.withUnsafeBytes { .call("prlimit64", 1, 7, Int(bitPattern: $0.baseAddress), 0) }
        },
        "continue-timer": { _ in .of("timer_create", millrace_make_continuing_timer()) },
        "continue-child": { _ in
            let child = millrace_call(Int(millrace_call_number("clone")), Int(SIGCONT), 0, 0, 0, 0, 0)
            if child == 0 { _exit(0) }
            let finding = EscapeFinding.of("clone", child)
            // __WALL: a child that does not send SIGCHLD.
            if child > 0 { waitpid(pid_t(child), nil, 0x4000_0000) }
            return finding
        },
        // PR_SET_PDEATHSIG.
        "continue-parent": { _ in .call("prctl", 1, Int(SIGCONT)) },
    ]

    /// Writes files of a folder that has this mode by then.
    private static func fillClosed(_ scene: EscapeScene, mode: mode_t) -> EscapeFinding {
        let folder = "\(scene.own)/closed"
        let made = mkdir(folder, 0o700)
        guard made == 0 else { return .of("mkdir", made) }
        let files = (0..<pieces).map { open("\(folder)/\($0)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        guard files.allSatisfy({ $0 >= 0 }) else { return .of("create", -1) }
        let closed = chmod(folder, mode)
        guard closed == 0 else { return .of("chmod", closed) }
        let piece = [UInt8](repeating: 1, count: pieceBytes)
        for file in files where Glibc.write(file, piece, piece.count) != piece.count { return .of("write", -1) }
        return stillOpen(scene, "64 MiB were written")
    }

    /// - Returns: a descriptor of a removed file of a piece's size, or why there is none.
    private static func hold(_ path: String) -> (descriptor: Int32, finding: EscapeFinding) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return (-1, .of("create", file)) }
        unlink(path)
        let piece = [UInt8](repeating: 1, count: pieceBytes)
        guard Glibc.write(file, piece, piece.count) == piece.count else { return (-1, .of("write", -1)) }
        return (file, EscapeFinding(.open, "held"))
    }

    private static func holdRemoved(_ scene: EscapeScene, _ how: String) -> EscapeFinding {
        for at in 0..<pieces {
            let held = hold("\(scene.own)/held\(at)")
            if held.descriptor < 0 { return held.finding }
        }
        return stillOpen(scene, "64 MiB are held \(how)")
    }

    // MARK: Threads

    private final class Body {
        let act: () -> EscapeFinding
        var finding: EscapeFinding?

        init(_ act: @escaping () -> EscapeFinding) { self.act = act }
    }

    private static func start(_ body: Body, tells: Bool) -> pthread_t? {
        var thread = pthread_t()
        let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
            tells
            ? { raw in
                guard let raw else { return nil }
                EncloseCommand.tell(Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().act(), STDOUT_FILENO)
                _exit(0)
            }
            : { raw in
                guard let raw else { return nil }
                let body = Unmanaged<Body>.fromOpaque(raw).takeRetainedValue()
                body.finding = body.act()
                return nil
            }
        errno = pthread_create(&thread, nil, entry, Unmanaged.passRetained(body).toOpaque())
        return errno == 0 ? thread : nil
    }

    private static func inThread(_ act: @escaping () -> EscapeFinding) -> EscapeFinding {
        let body = Body(act)
        guard let thread = start(body, tells: false) else { return .of("pthread_create", -1) }
        pthread_join(thread, nil)
        return body.finding ?? EscapeFinding(.open, "the thread said nothing")
    }

    /// Ends this thread, the first of the process; the other one tells what it finds.
    private static func withoutLeader(_ act: @escaping () -> EscapeFinding) -> EscapeFinding {
        guard start(Body(act), tells: true) != nil else { return .of("pthread_create", -1) }
        return .call("exit", 0)
    }
}
