import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    static let interfaceProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "bpf": { _ in
            // BPF_MAP_CREATE: an array of one element of four bytes.
            let attributes: [UInt32] = [2, 4, 4, 1] + [UInt32](repeating: 0, count: 28)
            return attributes.withUnsafeBytes { .call("bpf", 0, Int(bitPattern: $0.baseAddress), $0.count) }
        },
        "perf-event": { _ in
            // PERF_TYPE_SOFTWARE, 128 bytes, PERF_COUNT_SW_TASK_CLOCK, user space of this process only.
            var attributes = [UInt64](repeating: 0, count: 16)
            attributes[0] = 1 | 128 << 32
            attributes[1] = 1
            attributes[5] = 1 << 5 | 1 << 6
            return attributes.withUnsafeBytes { .call("perf_event_open", Int(bitPattern: $0.baseAddress), 0, -1, -1) }
        },
        // UFFD_USER_MODE_ONLY.
        "userfaultfd": { _ in .call("userfaultfd", 1) },
        "io-uring": { _ in
            let parameters = [UInt8](repeating: 0, count: 120)
            return parameters.withUnsafeBytes { .call("io_uring_setup", 1, Int(bitPattern: $0.baseAddress)) }
        },
        // KEYCTL_GET_KEYRING_ID of the session's keyring, which is made if there is none.
        "keyring": { _ in .call("keyctl", 0, -3, 1) },
        "terminal-input": { _ in
            firstOpen(
                [0, 1, 2].map { descriptor in
                    "x".withCString { .call("ioctl", descriptor, 0x5412 /* TIOCSTI */, Int(bitPattern: $0)) }
                } + [opened("/dev/tty", O_RDWR)])
        },
        "sysv-memory": { .call("shmat", Int($0.sharedMemory), 0, 0) },
        "sysv-queue": { scene in
            var message = [UInt8](repeating: 0, count: 64)
            return message.withUnsafeMutableBytes {
                // MSG_COPY would leave it there, but not every kernel has it; IPC_NOWAIT.
                .call("msgrcv", Int(scene.messageQueue), Int(bitPattern: $0.baseAddress), 8, 0, 0x800)
            }
        },
        "posix-memory": { opened("/dev/shm/\($0.posixName)", O_RDWR) },
        "posix-queue": { scene in
            scene.posixName.withCString { .call("mq_open", Int(bitPattern: $0), Int(O_RDONLY), 0, 0) }
        },
        "descriptor": { _ in
            let found = (3..<1024).filter { fcntl($0, F_GETFD) >= 0 }
            return found.isEmpty
                ? EscapeFinding(.denied, "none is open beyond the standard three")
                : EscapeFinding(.open, "\(found.map(String.init).joined(separator: ", "))")
        },
        "environment": { _ in
            let names: Set = ["LANG", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
            var secrets: [String] = []
            var at = environ
            while let entry = at.pointee {
                let text = String(cString: entry)
                let name = String(text.prefix { $0 != "=" })
                if !names.contains(name) && !EscapeScene.programEnvironment.contains(text) { secrets.append(name) }
                at += 1
            }
            return secrets.isEmpty
                ? EscapeFinding(.denied, "nothing of the client's is there")
                : EscapeFinding(.open, secrets.joined(separator: ", "))
        },
    ]
}
