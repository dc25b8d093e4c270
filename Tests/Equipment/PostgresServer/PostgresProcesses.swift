import Foundation
import Glibc

/// The processes of a server, for those who kill them.
extension PostgresServer {
    /// The one that all others are children of; nil while none runs.
    public var mainProcess: pid_t? {
        let file = try? String(contentsOfFile: directory + "/data/postmaster.pid", encoding: .utf8)
        guard let line = file?.split(separator: "\n").first, let pid = pid_t(line), kill(pid, 0) == 0
        else { return nil }
        return pid
    }

    /// Those that serve one client each.
    public var sessions: [pid_t] {
        guard let main = mainProcess else { return [] }
        let children = try? String(contentsOfFile: "/proc/\(main)/task/\(main)/children", encoding: .utf8)
        return (children ?? "").split(separator: " ").compactMap { pid_t($0) }.filter { pid in
            // PostgreSQL writes there what each one does: "postgres: millrace postgres [local] idle".
            let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
            return line?.contains("[local]") == true
        }
    }
}
