import Domain
import PostgresServer
import Storage
import StoragePostgres
import Testing

/// The database itself refuses what no state may carry, whoever writes to it: the same as `SQLiteConstraintTests`.
@Suite("PostgreSQL: constraints")
struct PostgresConstraintTests {
    private func database() throws -> RawPostgres {
        let conninfo = try PostgresServer.fresh()
        try SQLiteConstraintTests.fill(try PostgresStore(conninfo))
        return try RawPostgres(conninfo)
    }

    private let check = "23514"
    private let foreign = "23503"

    @Test("every task state refuses every column it must not carry, and misses every one it must")
    func taskColumns() throws {
        let raw = try database()
        var refused = 0
        for state in 0...7 {
            #expect(raw.text("SELECT state FROM task WHERE id & 63 = \(state)") == "\(state)")
            for column in SQLiteConstraintTests.taskColumns {
                let carries = column.states.contains(state)
                let value = column.value.hasPrefix("zeroblob") ? "decode(repeat('00', 32), 'hex')" : column.value
                let code = raw.refusal(
                    """
                    UPDATE task SET \(column.name) = \(carries ? "NULL" : value)
                    WHERE id >> 6 = 1::bigint << 36 AND id & 63 = \(state)
                    """)
                let mayBe = carries && !column.required
                #expect(code == (mayBe ? nil : check), "state \(state), \(column.name): \(raw.message)")
                if !mayBe { refused += 1 }
            }
        }
        #expect(refused == 8 * SQLiteConstraintTests.taskColumns.count - 2)
    }

    @Test("values outside their range are refused")
    func ranges() throws {
        let raw = try database()
        let statements = [
            "UPDATE task SET state = 8 WHERE state = 0", "UPDATE task SET check_state = 3 WHERE state = 2",
            "UPDATE task SET outcome = 0 WHERE state = 3", "UPDATE task SET error_code = 7 WHERE state = 4",
            "UPDATE task SET result = '\\x00' WHERE state = 2", "UPDATE task SET result_bytes = -1 WHERE state = 2",
            "UPDATE task SET distance = 1.0 WHERE state = 1", "UPDATE task SET tolerance = 1.0 WHERE state = 1",
            "UPDATE work_unit SET state = 8 WHERE state = 0", "UPDATE work_unit SET canonical = NULL WHERE state = 3",
            "UPDATE work_unit SET canonical = 1 WHERE state = 4",
            "UPDATE work_unit SET canonical = id << 6 WHERE state = 1",
            "UPDATE work_unit SET failure = NULL WHERE state = 6", "UPDATE work_unit SET failure = 4 WHERE state = 6",
            "UPDATE work_unit SET failure = 3 WHERE state = 6",
            "UPDATE work_unit SET failure_text = 'x' WHERE state = 6",
            "UPDATE work_unit SET failure = 1 WHERE state = 7", "UPDATE work_unit SET awaiting = 0 WHERE state = 2",
            "UPDATE work_unit SET revision = -1", "UPDATE work_unit SET credit = -1",
            "UPDATE batch SET state = 3", "UPDATE batch SET failure = 'x'", "UPDATE batch SET state = 5",
            "UPDATE batch SET manifest = '\\x00'", "UPDATE batch_input SET packing = 'zip'",
            "UPDATE host SET public_key = '\\x00'", "UPDATE host SET valid_count = -1",
            "UPDATE unit_count SET n = -1", "UPDATE host SET provisional_credit = -1",
            "UPDATE work_unit SET state = 9 WHERE state = 3", "UPDATE batch SET acceptance = 3",
            "UPDATE batch SET acceptance = 2", "UPDATE work_unit SET check_rate = 0.5",
            "UPDATE work_unit SET check_window = 5", "INSERT INTO trust VALUES (1, 'a', -1, 0, 0, 0, 0, 0, NULL)",
            "INSERT INTO trust VALUES (1, 'a', 0, 0, -0.5, 0, 0, 0, NULL)",
            "UPDATE volunteer SET shows_hosts = 2", "UPDATE membership SET until_ms = 8 WHERE id = 2",
            "UPDATE credit_day SET team = -1", "UPDATE daemons SET term = -1", "UPDATE change SET generation = -1",
            "INSERT INTO series VALUES (1, 1, 'a', 0, 0)", "INSERT INTO series VALUES (1, 1, 'a', 1, 8)",
            """
            INSERT INTO ledger SELECT 2, at_ms, 1, debit_project, 1, NULL, credit_host, amount, 99, project FROM ledger
            """,
            """
            INSERT INTO ledger SELECT 2, at_ms, 1, debit_project, NULL, NULL, credit_host, -1, 99, project FROM ledger
            """,
        ]
        for sql in statements { #expect(raw.refusal(sql) == check, "\(sql): \(raw.message)") }
    }

    @Test("references must exist")
    func references() throws {
        let raw = try database()
        let statements = [
            "UPDATE task SET host = 9 WHERE state = 1", "UPDATE host SET volunteer = 9",
            "INSERT INTO batch_input VALUES (9, 0, 'x', decode(repeat('00', 32), 'hex'), 0, 'plain')",
            "DELETE FROM batch", "DELETE FROM host", "DELETE FROM volunteer",
        ]
        for sql in statements { #expect(raw.refusal(sql) == foreign, "\(sql): \(raw.message)") }
    }

    /// Millions of units go when batches are archived.
    @Test("removing a unit looks at no other table")
    func unitsGoAlone() throws {
        let raw = try database()
        #expect(raw.text("SELECT count(*) FROM pg_constraint WHERE confrelid = 'work_unit'::regclass") == "0")
        try raw.run("DELETE FROM task WHERE id >> 6 = 1::bigint << 36")
        try raw.run("DELETE FROM work_unit WHERE id = 1::bigint << 36")
        #expect(raw.text("SELECT count(*) FROM work_unit") == "7")
    }

    @Test("ledger, log and histories can only grow, in order, without gaps")
    func appendOnly() throws {
        let raw = try database()
        let entry = "at_ms, 1, debit_project, NULL, NULL, 1, 5"
        let statements: [(String, String)] = [
            ("UPDATE ledger SET amount = 6", "23000"), ("DELETE FROM ledger", "23000"),
            ("TRUNCATE ledger CASCADE", "23000"), ("UPDATE ledger SET number = 2", "23000"),
            ("INSERT INTO ledger SELECT 3, \(entry), 99, project FROM ledger", "23000"),
            ("INSERT INTO ledger SELECT 0, \(entry), 99, project FROM ledger", check),
            ("INSERT INTO ledger SELECT 2, \(entry), task, project FROM ledger", "23505"),
            ("INSERT INTO ledger SELECT 1, \(entry), 99, project FROM ledger", "23505"),
            (
                """
                INSERT INTO ledger SELECT n, \(entry), 90 + n, project FROM ledger, (VALUES (2), (4)) v (n)
                """, "23000"
            ),
            ("UPDATE log_leaf SET leaf = '\\x00'", "23000"), ("DELETE FROM log_leaf", "23000"),
            ("TRUNCATE log_leaf", "23000"), ("INSERT INTO log_leaf VALUES (5, '\\x00')", "23000"),
            ("INSERT INTO log_leaf VALUES (0, '\\x00')", "23505"),
            ("INSERT INTO log_leaf VALUES (1, '\\x00'), (3, '\\x00')", "23000"),
            ("UPDATE membership SET until_ms = 99 WHERE id = 1", "23000"),
            ("UPDATE membership SET from_ms = 8 WHERE id = 2", "23000"), ("DELETE FROM membership", "23000"),
            ("DELETE FROM team", "23000"), ("INSERT INTO membership VALUES (3, 1, 1, 20, NULL)", "23000"),
            ("INSERT INTO membership VALUES (3, 1, 1, 8, 9)", "23000"),
            ("UPDATE team SET name = 'other'", "23000"), ("UPDATE team SET founder = 2", "23000"),
            ("INSERT INTO team SELECT 3, 'x', founder, 0, 0.0, 0, 0 FROM team", "23000"),
            ("INSERT INTO team SELECT 2, name, founder, 0, 0.0, 0, 0 FROM team", "23505"),
            ("UPDATE task SET id = id + 20 WHERE state = 7", "23000"),
            ("UPDATE work_unit SET id = id + 20 WHERE state = 7", "23000"), ("TRUNCATE task", "23000"),
        ]
        for (sql, state) in statements { #expect(raw.refusal(sql) == state, "\(sql): \(raw.message)") }
        #expect(raw.text("SELECT sum(amount) FROM ledger") == "5")
        #expect(raw.text("SELECT balance FROM host_balance WHERE host = 1") == "5")
        try raw.run("INSERT INTO ledger SELECT n, \(entry), 90 + n, project FROM ledger, (VALUES (2), (3)) v (n)")
        #expect(raw.text("SELECT balance FROM host_balance WHERE host = 1") == "15")
        #expect(raw.text("SELECT balance FROM project_balance WHERE project = 'gamma'") == "-15")
    }
}
