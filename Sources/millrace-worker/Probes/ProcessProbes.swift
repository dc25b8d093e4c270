import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    // Requests of linux/ptrace.h: attach without stopping.
    private static let seize = 0x4206

    static let processProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "ptrace": { .call("ptrace", seize, Int($0.stranger), 0, 0) },
        "ptrace-parent": { firstOpen([$0.parent, getppid()].map { .call("ptrace", seize, Int($0), 0, 0) }) },
        "memory-of-others": { scene in
            // One byte of the stranger's at an address that it has not: EFAULT means that it was looked at.
            var here: [UInt8] = [0]
            return here.withUnsafeMutableBytes { bytes in
                let local = [Int(bitPattern: bytes.baseAddress), 1]
                let remote = [4096, 1]
                let finding = local.withUnsafeBytes { local in
                    remote.withUnsafeBytes { remote in
                        EscapeFinding.call(
                            "process_vm_readv", Int(scene.stranger), Int(bitPattern: local.baseAddress), 1,
                            Int(bitPattern: remote.baseAddress), 1)
                    }
                }
                return errno == EFAULT ? EscapeFinding(.open, "it was looked at") : finding
            }
        },
        "proc-mem": {
            firstOpen([$0.stranger, $0.parent, getppid()].map { opened("/proc/\($0)/mem", O_RDONLY) })
        },
        "proc-environ": {
            firstOpen(
                [$0.stranger, $0.parent, getppid()].map { pid in
                    let file = open("/proc/\(pid)/environ", O_RDONLY | O_CLOEXEC)
                    guard file >= 0 else { return .of("open", file) }
                    var byte: UInt8 = 0
                    return .of("read", read(file, &byte, 1))
                })
        },
        "proc-list": { scene in
            firstOpen([scene.stranger, scene.parent].map { .of("stat", access("/proc/\($0)/stat", F_OK)) })
        },
        "kill-parent": { firstOpen([$0.parent, getppid()].map { .of("kill", kill($0, 0)) }) },
        "kill-stranger": { .of("kill", kill($0.stranger, 0)) },
        "new-session": { _ in
            // Who leads a group already has no right to it: that says nothing of the sandbox.
            guard getpgrp() != getpid() else {
                let other = EscapeFinding.call("setpgid", 0, 0)
                return other.outcome == .open ? EscapeFinding(.open, "setpgid succeeded") : other
            }
            return .call("setsid")
        },
        "start-program": { _ in
            let child = millrace_fork()
            guard child >= 0 else { return executed() }
            if child == 0 { _exit(0) }
            waitpid(child, nil, 0)
            return executed()
        },
        "code-in-memory": { _ in
            let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            return memory == MAP_FAILED ? .of("mmap", -1) : EscapeFinding(.open, "mmap succeeded")
        },
        "memory-program": { _ in .of("memfd_create", memfd_create("probe", 0)) },
    ]

    /// Executes `true` in place of this process, which then cannot tell what it found: so it is told before.
    private static func executed() -> EscapeFinding {
        let arguments = [strdup("true"), nil]
        // The file is not there at all in a root folder of its own.
        let found = access("/bin/true", X_OK) == 0
        if found {
            EncloseCommand.tell(EscapeFinding(.open, "execve succeeded"), STDOUT_FILENO)
        }
        _ = millrace_execve("/bin/true", arguments, [nil])
        return .of("execve", -1)
    }

    static func firstOpen(_ findings: [EscapeFinding]) -> EscapeFinding {
        findings.first { $0.outcome == .open } ?? findings[0]
    }

    static func opened(_ path: String, _ flags: Int32) -> EscapeFinding {
        .of("open \(path)", open(path, flags | O_CLOEXEC))
    }
}
