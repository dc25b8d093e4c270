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

    /// Those that serve the sessions of Millrace servers, which last as long as these.
    public var sessions: [pid_t] {
        let pids = try? RawPostgres(conninfo()).run(
            """
            SELECT string_agg(pid::text, ' ' ORDER BY backend_start) FROM pg_stat_activity
            WHERE application_name = 'millrace-server'
            """)
        return (pids ?? "")?.split(separator: " ").compactMap { pid_t($0) } ?? []
    }
}
