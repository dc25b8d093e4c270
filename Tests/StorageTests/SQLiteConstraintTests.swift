import CSQLite
import Domain
import Storage
import StorageSQLite
import Testing

/// The database itself refuses what no state may carry, whoever writes to it.
@Suite("SQLite constraints")
struct SQLiteConstraintTests {
    /// The columns of `task` that only some states carry, with those states and a value that would do.
    static let taskColumns: [(name: String, states: ClosedRange<Int>, required: Bool, value: String)] = [
        ("host", 1...6, true, "1"), ("volunteer", 1...6, true, "1"), ("sent_ms", 1...6, true, "5"),
        ("deadline_ms", 1...6, true, "5"), ("reported_ms", 2...3, true, "5"),
        ("result", 2...3, true, "zeroblob(32)"), ("result_bytes", 2...3, true, "5"),
        ("cpu_seconds", 2...3, true, "0.5"), ("wall_seconds", 2...3, true, "0.5"),
        ("fingerprint", 2...3, true, "'zen'"), ("check_state", 2...2, true, "1"), ("outcome", 3...3, true, "1"),
        ("decided_ms", 3...3, true, "5"), ("reason", 3...3, true, "'why'"),
        ("compared_with", 3...3, false, "5"), ("element", 3...3, false, "'sum'"), ("error_ms", 4...4, true, "5"),
        ("error_code", 4...4, true, "1"), ("error_message", 4...4, true, "'broken'"),
    ]

    /// Task `1.0#n` in each state n, unit `1.n` in each state n, and a row of every other kind.
    static func fill(_ store: any Store) throws {
        try store.transaction { tx in
            try Samples.addHosts(1, tx)
            let batch = try tx.insertBatch { Samples.batch($0) }
            let other = TaskID(unit: WorkUnitID(batch: batch.id, index: 0), ordinal: 0)
            let states = Samples.states(host: 1, volunteer: 1, other: other)
            var tasks = Samples.unit(batch.id, 0, tasks: 8)
            for (at, pick) in [0, 1, 2, 5, 9, 10, 11, 12].enumerated() { tasks.tasks[at].state = states[pick] }
            var units = [tasks]
            for number in 1...7 {
                var unit = Samples.unit(batch.id, Int64(number), tasks: 1)
                let canonical = TaskID(unit: unit.unit.id, ordinal: 0)
                unit.unit.state = Samples.unitStates(canonical: canonical)[number == 7 ? 9 : number]
                units.append(unit)
            }
            try tx.insertWorkUnits(units)
            _ = try tx.appendLedger(Samples.entry(other, host: 1, amount: 5))
            _ = try tx.appendLogLeaf([1, 2, 3])
            _ = try tx.insertTeam { Samples.team($0) }
            let one = VolunteerID(rawValue: 1)
            try tx.insertMembership(
                Membership(volunteer: one, team: TeamID(rawValue: 1), from: Timestamp(milliseconds: 7)))
            try tx.closeMembership(of: one, at: Timestamp(milliseconds: 9))
            try tx.insertMembership(
                Membership(volunteer: one, team: TeamID(rawValue: 1), from: Timestamp(milliseconds: 9)))
        }
    }

    /// A database with task `1.0#n` in each state n, and unit `1.n` in each state n.
    private func database() throws -> (RawDatabase, ScratchFolder) {
        let folder = try ScratchFolder()
        let path = folder.file("test.sqlite")
        do {
            try SQLiteConstraintTests.fill(try SQLiteStore(path: path))
        }
        return (RawDatabase(path), folder)
    }

    private let check = SQLITE_CONSTRAINT | 1 << 8
    private let trigger = SQLITE_CONSTRAINT | 7 << 8
    private let type = SQLITE_CONSTRAINT | 12 << 8

    @Test("every task state refuses every column it must not carry, and misses every one it must")
    func taskColumns() throws {
        let (raw, folder) = try database()
        defer { withExtendedLifetime(folder) {} }
        var refused = 0
        for state in 0...7 {
            #expect(raw.text("SELECT state FROM task WHERE id & 63 = \(state)") == "\(state)")
            for column in SQLiteConstraintTests.taskColumns {
                let carries = column.states.contains(state)
                let value = carries ? "NULL" : column.value
                let code = raw.run(
                    "UPDATE task SET \(column.name) = \(value) WHERE id >> 6 = 1 << 36 AND id & 63 = \(state)")
                let mayBe = carries && !column.required
                #expect(
                    code == (mayBe ? SQLITE_OK : check), "state \(state), \(column.name) = \(value): \(raw.message)")
                if !mayBe { refused += 1 }
            }
        }
        #expect(refused == 8 * SQLiteConstraintTests.taskColumns.count - 2)
    }

    @Test(
        "values outside their range are refused",
        arguments: [
            "UPDATE task SET state = 8 WHERE state = 0", "UPDATE task SET check_state = 3 WHERE state = 2",
            "UPDATE task SET outcome = 0 WHERE state = 3", "UPDATE task SET error_code = 7 WHERE state = 4",
            "UPDATE task SET result = x'00' WHERE state = 2", "UPDATE task SET result_bytes = -1 WHERE state = 2",
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
            "UPDATE batch SET manifest = x'00'", "UPDATE batch_input SET packing = 'zip'",
            "UPDATE host SET public_key = x'00'", "UPDATE host SET valid_count = -1",
            "UPDATE batch_count SET ready = -1", "UPDATE host SET provisional_credit = -1",
            "UPDATE work_unit SET state = 9 WHERE state = 3", "UPDATE batch SET acceptance = 3",
            "UPDATE batch SET acceptance = 2", "UPDATE work_unit SET check_rate = 0.5",
            "UPDATE work_unit SET check_window = 5", "INSERT INTO trust VALUES (1, 'a', -1, 0, 0, 0, 0, 0, NULL)",
            "INSERT INTO trust VALUES (1, 'a', 0, 0, -0.5, 0, 0, 0, NULL)",
            "UPDATE volunteer SET shows_hosts = 2", "UPDATE membership SET until_ms = 8 WHERE id = 2",
            "UPDATE credit_day SET team = -1",
            "INSERT INTO series VALUES (1, 1, 'a', 0, 0)", "INSERT INTO series VALUES (1, 1, 'a', 1, 8)",
            """
            INSERT INTO ledger SELECT 2, at_ms, 1, debit_project, 1, NULL, credit_host, amount, 99, project FROM ledger
            """,
            """
            INSERT INTO ledger SELECT 2, at_ms, 1, debit_project, NULL, NULL, credit_host, -1, 99, project FROM ledger
            """,
        ])
    func ranges(sql: String) throws {
        let (raw, folder) = try database()
        defer { withExtendedLifetime(folder) {} }
        #expect(raw.run(sql) == check, "\(raw.message)")
    }

    @Test("tables are strict")
    func strict() throws {
        let (raw, folder) = try database()
        defer { withExtendedLifetime(folder) {} }
        #expect(raw.run("UPDATE work_unit SET revision = 'many'") == type)
        #expect(raw.run("UPDATE task SET deadline_ms = 1.5 WHERE state = 1") == type)
        #expect(
            raw.text(
                "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND strict = 0 "
                    + "AND schema = 'main' AND name NOT LIKE 'sqlite_%'") == "0")
    }

    @Test("what names rows that are not there is found")
    func dangling() throws {
        let (raw, folder) = try database()
        #expect(try SQLiteStore(path: folder.file("test.sqlite")).danglingReferences() == [])
        #expect(raw.run("UPDATE task SET host = 9 WHERE state = 1") == SQLITE_OK)
        #expect(
            try SQLiteStore(path: folder.file("test.sqlite")).danglingReferences().map { $0.contains("names a host") }
                == [true])
    }

    @Test("references must exist")
    func references() throws {
        let (raw, folder) = try database()
        defer { withExtendedLifetime(folder) {} }
        raw.run("PRAGMA foreign_keys = ON")
        let foreign = SQLITE_CONSTRAINT | 3 << 8
        #expect(raw.run("UPDATE task SET host = 9 WHERE state = 1") == foreign)
        #expect(raw.run("UPDATE host SET volunteer = 9") == foreign)
        #expect(raw.run("INSERT INTO task (id, state) VALUES ((2 << 42) + 64, 0)") == foreign)
        #expect(raw.run("DELETE FROM batch") == foreign)
        #expect(raw.run("DELETE FROM work_unit WHERE state = 0") == foreign)
    }

    @Test(
        "the ledger can only grow, in order, once per task and kind",
        arguments: [
            "UPDATE ledger SET amount = 6", "DELETE FROM ledger", "UPDATE ledger SET number = 2",
            "INSERT INTO ledger SELECT 3, at_ms, 1, debit_project, NULL, NULL, 1, 5, 99, project FROM ledger",
            "INSERT INTO ledger SELECT 2, at_ms, 1, debit_project, NULL, NULL, 1, 5, task, project FROM ledger",
            """
            INSERT OR REPLACE INTO ledger
            SELECT 2, at_ms, 1, debit_project, NULL, NULL, 1, 5, task, project FROM ledger
            """,
            """
            INSERT OR REPLACE INTO ledger
            SELECT 1, at_ms, 1, debit_project, NULL, NULL, 1, 5, 99, project FROM ledger
            """,
            "UPDATE log_leaf SET leaf = x'00'", "DELETE FROM log_leaf", "INSERT INTO log_leaf VALUES (5, x'00')",
            "INSERT OR REPLACE INTO log_leaf VALUES (0, x'00')",
            "UPDATE membership SET until_ms = 99 WHERE id = 1", "UPDATE membership SET from_ms = 8 WHERE id = 2",
            "UPDATE membership SET team = 2 WHERE id = 2", "DELETE FROM membership", "DELETE FROM team",
            "INSERT INTO membership VALUES (3, 1, 1, 20, NULL)", "INSERT INTO membership VALUES (3, 1, 1, 8, 9)",
            "INSERT OR REPLACE INTO membership VALUES (1, 1, 1, 0, 5)", "UPDATE team SET name = 'other'",
            "UPDATE team SET founder = 2", "INSERT INTO team SELECT 3, 'x', founder, 0, 0.0, 0, 0 FROM team",
            "INSERT OR REPLACE INTO team SELECT 2, name, founder, 0, 0.0, 0, 0 FROM team",
            "UPDATE task SET id = id + 20 WHERE state = 7", "UPDATE work_unit SET id = id + 20 WHERE state = 7",
        ])
    func appendOnly(sql: String) throws {
        let (raw, folder) = try database()
        defer { withExtendedLifetime(folder) {} }
        #expect(raw.run(sql) == trigger, "\(raw.message)")
        #expect(raw.text("SELECT sum(amount) FROM ledger") == "5")
        #expect(raw.text("SELECT balance FROM host_balance WHERE host = 1") == "5")
    }
}
