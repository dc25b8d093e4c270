import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    private static let mebibyte = 1 << 20

    static let amountProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "fork-bomb": { _ in forkBomb(200) },
        "thread-bomb": { _ in threadBomb(200) },
        "memory-bomb": { _ in
            let memory = mmap(nil, 8 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x4000 /* NORESERVE */, -1, 0)
            return memory == MAP_FAILED ? .of("mmap", -1) : EscapeFinding(.open, "mmap succeeded")
        },
        "memory-together": { memoryTogether($0, processes: 5, bytes: 64 << 20) },
        "disk-fill": { write(64 << 20, into: "\($0.own)/fill") },
        "disk-fill-many": { scene in
            for at in 0..<64 {
                let finding = write(mebibyte, into: "\(scene.own)/fill\(at)")
                if finding.outcome != .open { return finding }
            }
            return stillOpen(scene, "64 MiB were written")
        },
        "disk-fill-removed": { scene in
            for at in 0..<64 {
                let finding = write(mebibyte, into: "\(scene.own)/fill\(at)", removing: true)
                if finding.outcome != .open { return finding }
            }
            return stillOpen(scene, "64 MiB were written")
        },
        "file-count": { scene in
            for at in 0..<1000 {
                let file = open("\(scene.own)/file\(at)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                guard file >= 0 else { return .of("create", file) }
                close(file)
            }
            return stillOpen(scene, "1000 files were made")
        },
        "temporary-fill": { _ in
            for at in 0..<32 {
                let finding = write(2 * mebibyte, into: "/tmp/fill\(at)")
                if finding.outcome != .open { return finding }
            }
            return EscapeFinding(.open, "64 MiB were written")
        },
        "core-dump": { _ in
            let bound: [UInt64] = [1 << 20, 1 << 20]
            return bound.withUnsafeBytes {
                .call("prlimit64", 0, 4 /* RLIMIT_CORE */, Int(bitPattern: $0.baseAddress), 0)
            }
        },
        // PRIO_PROCESS, this one.
        "priority": { _ in .call("setpriority", 0, 0, -5) },
    ]

    /// The sandbox looks now and then: if nobody ends this process meanwhile, nobody has seen it.
    static func stillOpen(_ scene: EscapeScene, _ what: String) -> EscapeFinding {
        var seconds = scene.patienceSeconds
        while seconds > 0 { seconds = Double(sleep(UInt32(seconds))) }
        return EscapeFinding(.open, what)
    }

    private static func forkBomb(_ count: Int) -> EscapeFinding {
        var children: [pid_t] = []
        defer {
            for child in children {
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
            }
        }
        for _ in 0..<count {
            let child = millrace_fork()
            guard child >= 0 else {
                let finding = EscapeFinding.of("fork", child)
                return EscapeFinding(.denied, "\(finding.how) after \(children.count)")
            }
            if child == 0 {
                while true { pause() }
            }
            children.append(child)
        }
        return EscapeFinding(.open, "\(count) processes were started")
    }

    private static func threadBomb(_ count: Int) -> EscapeFinding {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 256 << 10)
        for at in 0..<count {
            var thread = pthread_t()
            let status = pthread_create(
                &thread, &attributes,
                { _ in
                    while true { pause() }
                }, nil)
            if status != 0 {
                errno = status
                let finding = EscapeFinding.of("pthread_create", -1)
                return EscapeFinding(.denied, "\(finding.how) after \(at)")
            }
        }
        return EscapeFinding(.open, "\(count) threads were started")
    }

    private static func memoryTogether(_ scene: EscapeScene, processes: Int, bytes: Int) -> EscapeFinding {
        var children: [pid_t] = []
        defer {
            for child in children {
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
            }
        }
        var ready: [Int32] = [-1, -1]
        guard pipe2(&ready, O_CLOEXEC) == 0 else { return .of("pipe", -1) }
        for _ in 0..<processes {
            let child = millrace_fork()
            guard child >= 0 else { return .of("fork", child) }
            if child == 0 {
                let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                if let memory, memory != MAP_FAILED { memset(memory, 1, bytes) }
                _ = Glibc.write(ready[1], "r", 1)
                while true { pause() }
            }
            children.append(child)
        }
        var byte: UInt8 = 0
        for _ in 0..<processes { _ = read(ready[0], &byte, 1) }
        return stillOpen(scene, "\(processes * bytes >> 20) MiB were taken")
    }

    private static func write(_ count: Int, into path: String, removing: Bool = false) -> EscapeFinding {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return .of("create", file) }
        if removing {
            unlink(path)
        }
        // A removed file stays open: only so it takes space.
        defer { if !removing { close(file) } }
        let piece = [UInt8](repeating: 1, count: mebibyte)
        var written = 0
        while written < count {
            let some = Glibc.write(file, piece, min(piece.count, count - written))
            guard some > 0 else {
                let finding = EscapeFinding.of("write", some < 0 ? some : -1)
                return EscapeFinding(.denied, "\(finding.how) after \(written >> 20) MiB")
            }
            written += some
        }
        return EscapeFinding(.open, "\(count >> 20) MiB were written")
    }
}
