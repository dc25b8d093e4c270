import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    static let fileProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "home-folder": { read($0.home) },
        "ssh-key": { read($0.key) },
        "password-file": { _ in read("/etc/passwd") },
        "other-task": { read($0.otherTask) },
        "write-outside": { make("\($0.outside)/made") },
        "symlink-out": { .of("symlink", symlink("/etc/passwd", "\($0.own)/link")) },
        "hardlink-out": { .of("link", link("\($0.outside)/file", "\($0.own)/name")) },
        "rewrite-program": { change($0.program) },
        "rewrite-input": { change($0.input) },
        "rewrite-unit": { change("\($0.own)/unit") },
        "file-handle": { scene in
            // A handle of eight bytes: what matters is whether the kernel looks at it at all.
            var handle: [UInt32] = [8, 1, 2, 0]
            let folder = open(scene.own, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            let finding = handle.withUnsafeMutableBytes {
                EscapeFinding.call("open_by_handle_at", Int(folder), Int(bitPattern: $0.baseAddress), 0)
            }
            return finding.how.hasSuffix("EPERM") || finding.how.hasSuffix("ENOSYS")
                ? finding : EscapeFinding(.open, finding.how)
        },
    ]

    private static func read(_ path: String) -> EscapeFinding {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .of("open", file) }
        var byte: UInt8 = 0
        return .of("read", Glibc.read(file, &byte, 1))
    }

    private static func make(_ path: String) -> EscapeFinding {
        .of("create", open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
    }

    /// By writing, by its mode, by its name.
    private static func change(_ path: String) -> EscapeFinding {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file < 0 else { return EscapeFinding(.open, "it can be written") }
        let first = EscapeFinding.of("open for writing", file)
        if rename(path, path + ".old") == 0 { return EscapeFinding(.open, "it can be renamed") }
        if unlink(path) == 0 { return EscapeFinding(.open, "it can be removed") }
        return first
    }
}
