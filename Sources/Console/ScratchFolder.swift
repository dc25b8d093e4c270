import Domain
import Glibc
import WorkerHost

/// A private folder that is removed at the end, whatever happens; what a killed run left is removed by the next one.
struct ScratchFolder {
    let path: String

    private static let prefix = "millrace-scratch-"

    /// - Throws: `.osError` or `.cannotWrite` when it cannot be made.
    static func with<T>(_ body: (ScratchFolder) throws(Fault) -> T) throws(Fault) -> T {
        let base = ProjectFolder.trimmed(Environment.value("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp")
        sweep(base)
        let name = "\(prefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let scratch = ScratchFolder(path: "\(base)/\(name)")
        guard mkdir(scratch.path, 0o700) == 0 else { throw Files.fault("make the folder", scratch.path) }
        defer { try? Files.remove(scratch.path) }
        return try body(scratch)
    }

    /// Removes folders of our own whose process is gone.
    private static func sweep(_ base: String) {
        for name in (try? Files.names(in: base)) ?? [] where name.hasPrefix(prefix) {
            let path = "\(base)/\(name)"
            var status = stat()
            guard let pid = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ pid_t($0) }), pid > 0,
                lstat(path, &status) == 0, status.st_uid == getuid(), kill(pid, 0) != 0, errno == ESRCH
            else { continue }
            try? Files.remove(path)
        }
    }
}

/// Whether somebody has pressed Ctrl-C or sent SIGTERM. The first time is noted, the second ends the process.
enum Interruption {
    /// Written by the handler alone, which may do nothing more than that; a word-sized store is never torn.
    private nonisolated(unsafe) static var flag: sig_atomic_t = 0

    static func listen() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                Interruption.flag = 1
                signal(number, SIG_DFL)
            }
        }
    }

    static var hasCome: Bool { flag != 0 }
}
