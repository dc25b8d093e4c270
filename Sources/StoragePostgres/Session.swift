import CPostgres
import Domain
import Storage

/// The connection of a store: opened when it is needed, again when it was lost.
final class Session {
    private let conninfo: String
    private let options: PostgresOptions
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
        // plan each, made once. A process that stops in the middle of a transaction keeps the lock for a minute.
        try connection.script(
            """
            SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') = 'off';
            SET default_transaction_isolation = 'read committed';
            SET default_transaction_read_only = off;
            SET idle_in_transaction_session_timeout = '60s';
            SET plan_cache_mode = force_generic_plan;
            SET enable_seqscan = off;
            SET enable_hashjoin = off;
            SET enable_mergejoin = off;
            SET jit = off;
            """)
        try Migration.run(on: connection)
        lockKey = 0x4d69_6c6c << 32 | (try connection.first(Session.key) { $0.integer() } ?? 0)
        return connection
    }
}
