import CPostgres
import Domain
import Glibc
import Storage

/// The connection of a store: opened when it is needed, again when it was lost.
final class Session {
    private let conninfo: String
    let options: PostgresOptions
    private var current: Connection?
    /// Why there is no connection, and since when.
    private var failure: (error: any Error, at: ContinuousClock.Instant)?
    /// Tells the locks of this database's schema from those of others.
    private(set) var lockKey: Int64 = 0

    init(_ conninfo: String, options: PostgresOptions) {
        self.conninfo = conninfo
        self.options = options
    }

    /// The connection in use, or a new one. - Throws: `StoreError.io`; right after a failure without trying again.
    func connection() throws -> Connection {
        if let current, !current.isLost { return current }
        current = nil
        if let failure, failure.at.duration(to: .now) < .milliseconds(options.pause.milliseconds) {
            throw failure.error
        }
        do {
            let made = try open()
            (current, failure) = (made, nil)
            return made
        } catch {
            failure = (error, .now)
            throw error
        }
    }

    /// Ends the session, and with it every lock.
    func close() { current = nil }

    private static let settings = Query(
        """
        SELECT current_setting('fsync'), current_setting('full_page_writes'), pg_is_in_recovery()::int::bigint,
            current_setting('server_version_num')::bigint, current_setting('server_encoding')
        """)
    private static let key = Query("SELECT 'change'::regclass::oid::bigint")
    private static let share = Query("SELECT pg_try_advisory_lock_shared($1)::int::bigint")
    private static let keepOut = Query("SELECT pg_try_advisory_lock($1)::int::bigint")

    private func open() throws -> Connection {
        let connection = try Connection(conninfo)
        let setting = try connection.first(Session.settings) { row in
            (fsync: row.text(), pages: row.text(), isCopy: row.boolean(), version: row.int(), encoding: row.text())
        }
        guard let setting else { throw StoreError.io("\(connection.name) says nothing of itself") }
        guard setting.version >= 130_000, setting.encoding == "UTF8" else {
            throw StoreError.io(
                "\(connection.name): version \(setting.version), encoding \(setting.encoding); "
                    + "PostgreSQL 13 or later with encoding UTF8 is needed")
        }
        guard !setting.isCopy else { throw StoreError.io("\(connection.name) is a standby, which takes no writes") }
        guard options.mayLoseData || (setting.fsync == "on" && setting.pages == "on") else {
            throw StoreError.io(
                "\(connection.name) runs with fsync = \(setting.fsync) and full_page_writes = \(setting.pages); "
                    + "both must be on, or what was acknowledged may be lost")
        }
        // Every query of ours has an index, whatever the planner believes of tables that were empty a minute ago; one
        // plan each, made once. A server that stops in the middle of a transaction keeps the lock for a minute, and one
        // whose machine is gone keeps its session as long.
        try connection.script(
            """
            SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') = 'off';
            SET default_transaction_isolation = 'read committed';
            SET default_transaction_read_only = off;
            SET idle_in_transaction_session_timeout = '\(options.use == .alone ? "0" : "60s")';
            SET tcp_keepalives_idle = 30;
            SET tcp_keepalives_interval = 10;
            SET tcp_keepalives_count = 3;
            SET plan_cache_mode = force_generic_plan;
            SET enable_seqscan = off;
            SET enable_hashjoin = off;
            SET enable_mergejoin = off;
            SET jit = off;
            """)
        try Migration.run(on: connection)
        lockKey = 0x4d69_6c6c << 32 | (try connection.first(Session.key) { $0.integer() } ?? 0)
        try enter(connection)
        return connection
    }

    /// Takes the lock that keeps servers and those apart who need the database alone.
    private func enter(_ connection: Connection) throws {
        let (query, holder) =
            switch options.use {
            case .beside: (nil as Query?, "")
            case .shared: (Session.share, "a command that needs it alone")
            case .alone: (Session.keepOut, "a server, or by another command")
            }
        guard let query else { return }
        // A session that has just ended keeps its lock until the server has noticed.
        for attempt in 0..<100 {
            if attempt > 0 { usleep(20_000) }
            if try connection.first(query, { $0.integer(lockKey + (2 << 32)) }, { $0.boolean() }) == true { return }
        }
        throw StoreError.locked("\(connection.name) is used by \(holder)")
    }
}
