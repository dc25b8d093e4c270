import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    private static let newUsers = 0x1000_0000

    static let privilegeProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "setuid-program": { _ in
            // PR_GET_NO_NEW_PRIVS: where it is set, the kernel takes such bits for nothing.
            let set = millrace_call(Int(millrace_call_number("prctl")), 39, 0, 0, 0, 0, 0)
            if set == 1 { return EscapeFinding(.denied, "no new privileges, for good") }
            if set == 0 { return EscapeFinding(.open, "set-user-id bits count") }
            // Where that cannot even be asked, no program can be started.
            let arguments = [strdup("su"), strdup("--version"), nil]
            _ = millrace_execve("/usr/bin/su", arguments, [nil])
            return .of("execve", -1)
        },
        "become-root": { _ in .call("setuid", 0) },
        "user-namespace": { _ in .call("unshare", newUsers) },
        "clone-namespace": { _ in
            let child = millrace_call(Int(millrace_call_number("clone")), newUsers | Int(SIGCHLD), 0, 0, 0, 0, 0)
            if child == 0 { _exit(0) }
            let finding = EscapeFinding.of("clone", child)
            if child > 0 { waitpid(pid_t(child), nil, 0) }
            return finding
        },
        "join-namespace": { scene in
            let file = open("/proc/\(scene.stranger)/ns/ipc", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return .of("open", file) }
            return .call("setns", Int(file), 0)
        },
        "mount": { scene in
            let status = millrace_mount("tmpfs", scene.own, "tmpfs", 0, nil)
            let finding = EscapeFinding.of("mount", status)
            if status == 0 { _ = umount(scene.own) }
            return finding
        },
        "chroot": { scene in scene.own.withCString { .call("chroot", Int(bitPattern: $0)) } },
        "pivot-root": { _ in ".".withCString { .call("pivot_root", Int(bitPattern: $0), Int(bitPattern: $0)) } },
        "device-node": { .of("mknod", mknod("\($0.own)/device", S_IFCHR | 0o600, 0x103)) },
        "dev-mem": { _ in opened("/dev/mem", O_RDONLY) },
        "dev-kmsg": { _ in opened("/dev/kmsg", O_WRONLY) },
        "kernel-module": { _ in
            // No module at all: it is looked at only if this process might load one.
            let finding = EscapeFinding.call("init_module", 0, 0, 0)
            return errno == EPERM || errno == ENOSYS || finding.outcome == .absent
                ? finding : EscapeFinding(.open, finding.how)
        },
        "clock": { _ in
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            return .of("clock_settime", clock_settime(CLOCK_REALTIME, &now))
        },
        "hostname": { _ in
            // The name that it has already.
            var name = [CChar](repeating: 0, count: 256)
            let status = gethostname(&name, 255)
            guard status == 0 else { return .of("gethostname", status) }
            let count = name.firstIndex(of: 0) ?? 0
            return name.withUnsafeBytes { .call("sethostname", Int(bitPattern: $0.baseAddress), count) }
        },
        "reboot": { _ in
            // With wrong magic numbers it never happens; who has no right to it is told so first.
            let finding = EscapeFinding.call("reboot", 0, 0, 0)
            return errno == EINVAL ? EscapeFinding(.open, finding.how) : finding
        },
        "proc-sys": { _ in opened("/proc/sys/kernel/core_pattern", O_WRONLY) },
        "sys": { _ in
            firstOpen(
                ["/sys/kernel/mm/ksm/run", "/sys/power/state", "/sys/kernel/uevent_helper"].map {
                    opened($0, O_WRONLY)
                })
        },
    ]
}
