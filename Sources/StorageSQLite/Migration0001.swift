extension Migration {
    /// The first schema. The same text as `server/migrations/sqlite/0001_initial.sql`, which is the one to read; it
    /// lies here too because the server is a single file. A test compares them.
    static let initial = Migration(
        version: 1,
        sql: #"""
            -- Schema version 1. Times are milliseconds since 1970-01-01 UTC, credit is in millionths of a cobblestone,
            -- digests are SHA-256. States are integers; which columns a state must leave NULL is checked by the table.
            -- Sources/StorageSQLite/Migration0001.swift holds the same text; a test compares them.

            -- Batch states: 0 running, 1 assembling, 2 finished, 3 failed, 4 cancelled.
            CREATE TABLE batch (
                id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 2097151),
                project TEXT NOT NULL,
                title TEXT NOT NULL,
                app TEXT NOT NULL,
                manifest BLOB NOT NULL CHECK (length(manifest) = 32),
                quorum INTEGER NOT NULL,
                initial_tasks INTEGER NOT NULL,
                max_total INTEGER NOT NULL,
                max_errors INTEGER NOT NULL,
                deadline_ms INTEGER NOT NULL,
                state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
                failure TEXT CHECK ((failure IS NOT NULL) = (state = 3)),
                cursor BLOB NOT NULL,
                split_finished INTEGER NOT NULL CHECK (split_finished IN (0, 1)),
                work_unit_count INTEGER NOT NULL CHECK (work_unit_count >= 0),
                created_ms INTEGER NOT NULL,
                finished_ms INTEGER
            ) STRICT;

            CREATE INDEX batch_open ON batch (id) WHERE state IN (0, 1);

            CREATE TABLE batch_input (
                batch INTEGER NOT NULL REFERENCES batch (id),
                position INTEGER NOT NULL CHECK (position >= 0),
                name TEXT NOT NULL,
                digest BLOB NOT NULL CHECK (length(digest) = 32),
                size INTEGER NOT NULL CHECK (size >= 0),
                packing TEXT NOT NULL CHECK (packing IN ('plain', 'table')),
                PRIMARY KEY (batch, position)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE volunteer (
                id INTEGER PRIMARY KEY CHECK (id >= 1),
                name TEXT NOT NULL UNIQUE,
                credit INTEGER NOT NULL,
                created_ms INTEGER NOT NULL
            ) STRICT;

            CREATE TABLE host (
                id INTEGER PRIMARY KEY CHECK (id >= 1),
                volunteer INTEGER NOT NULL REFERENCES volunteer (id),
                public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
                name TEXT NOT NULL,
                platform TEXT NOT NULL,
                cpu_model TEXT NOT NULL,
                cores INTEGER NOT NULL,
                memory_bytes INTEGER NOT NULL,
                disk_free_bytes INTEGER NOT NULL,
                benchmark_flops REAL NOT NULL,
                client_version TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                measured_flops REAL,
                valid_count INTEGER NOT NULL CHECK (valid_count >= 0),
                invalid_count INTEGER NOT NULL CHECK (invalid_count >= 0),
                error_count INTEGER NOT NULL CHECK (error_count >= 0),
                credit INTEGER NOT NULL,
                created_ms INTEGER NOT NULL,
                last_seen_ms INTEGER NOT NULL
            ) STRICT;

            -- Work unit states: 0 ready, 1 active, 2 comparing, 3 validated, 4 assembled, 5 purged, 6 failed,
            -- 7 cancelled. Failures: 1 too many errors, 2 no agreement, 3 unusable (with a text).
            CREATE TABLE work_unit (
                -- batch << 36 | index
                id INTEGER PRIMARY KEY CHECK (id >= 0),
                batch INTEGER GENERATED ALWAYS AS (id >> 36) VIRTUAL REFERENCES batch (id),
                label TEXT NOT NULL,
                app TEXT NOT NULL,
                container BLOB NOT NULL CHECK (length(container) = 32),
                container_bytes INTEGER NOT NULL CHECK (container_bytes >= 0),
                flops REAL NOT NULL,
                credit INTEGER NOT NULL CHECK (credit >= 0),
                memory_bytes INTEGER NOT NULL,
                disk_bytes INTEGER NOT NULL,
                output_bytes_max INTEGER NOT NULL,
                flops_bound REAL NOT NULL,
                check_each INTEGER NOT NULL CHECK (check_each IN (0, 1)),
                quorum INTEGER NOT NULL,
                initial_tasks INTEGER NOT NULL,
                max_total INTEGER NOT NULL,
                max_errors INTEGER NOT NULL,
                deadline_ms INTEGER NOT NULL,
                state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
                canonical INTEGER CHECK ((canonical IS NOT NULL) = (state IN (3, 4, 5)))
                    CHECK (canonical IS NULL OR canonical >> 6 = id),
                failure INTEGER CHECK ((failure IS NOT NULL) = (state = 6)) CHECK (failure BETWEEN 1 AND 3),
                failure_text TEXT CHECK ((failure_text IS NOT NULL) = (failure IS 3)),
                -- Whether the validator has something to do for it; see WorkUnitAggregate.awaitsValidation.
                awaiting INTEGER NOT NULL CHECK (awaiting IN (0, 1)) CHECK (state <> 2 OR awaiting = 1),
                revision INTEGER NOT NULL CHECK (revision >= 0),
                created_ms INTEGER NOT NULL,
                updated_ms INTEGER NOT NULL
            ) STRICT;

            CREATE INDEX work_unit_awaiting ON work_unit (id) WHERE awaiting = 1;

            -- Task states: 0 unsent, 1 sent, 2 reported, 3 decided, 4 failed, 5 expired, 6 aborted, 7 not needed.
            -- Check states: 0 pending, 1 plausible, 2 proven. Outcomes: 1 valid, 2 invalid, 3 inconclusive, 4 too late.
            CREATE TABLE task (
                -- unit << 6 | ordinal
                id INTEGER PRIMARY KEY CHECK (id >= 0),
                unit INTEGER GENERATED ALWAYS AS (id >> 6) VIRTUAL REFERENCES work_unit (id),
                state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
                -- The assignment: there once a task was sent.
                host INTEGER REFERENCES host (id) CHECK ((host IS NOT NULL) = (state BETWEEN 1 AND 6)),
                volunteer INTEGER REFERENCES volunteer (id) CHECK ((volunteer IS NOT NULL) = (state BETWEEN 1 AND 6)),
                sent_ms INTEGER CHECK ((sent_ms IS NOT NULL) = (state BETWEEN 1 AND 6)),
                deadline_ms INTEGER CHECK ((deadline_ms IS NOT NULL) = (state BETWEEN 1 AND 6)),
                -- The report: there when a result is here.
                reported_ms INTEGER CHECK ((reported_ms IS NOT NULL) = (state IN (2, 3))),
                result BLOB CHECK ((result IS NOT NULL) = (state IN (2, 3))) CHECK (length(result) = 32),
                result_bytes INTEGER CHECK ((result_bytes IS NOT NULL) = (state IN (2, 3))) CHECK (result_bytes >= 0),
                cpu_seconds REAL CHECK ((cpu_seconds IS NOT NULL) = (state IN (2, 3))),
                wall_seconds REAL CHECK ((wall_seconds IS NOT NULL) = (state IN (2, 3))),
                fingerprint TEXT CHECK ((fingerprint IS NOT NULL) = (state IN (2, 3))),
                check_state INTEGER CHECK ((check_state IS NOT NULL) = (state = 2)) CHECK (check_state BETWEEN 0 AND 2),
                -- The verdict. A difference has an element; its numbers are NULL where they are not a number.
                outcome INTEGER CHECK ((outcome IS NOT NULL) = (state = 3)) CHECK (outcome BETWEEN 1 AND 4),
                decided_ms INTEGER CHECK ((decided_ms IS NOT NULL) = (state = 3)),
                reason TEXT CHECK ((reason IS NOT NULL) = (state = 3)),
                compared_with INTEGER CHECK (compared_with IS NULL OR state = 3),
                element TEXT CHECK (element IS NULL OR state = 3),
                distance REAL CHECK (distance IS NULL OR element IS NOT NULL),
                tolerance REAL CHECK (tolerance IS NULL OR element IS NOT NULL),
                -- The error of a host that failed.
                error_ms INTEGER CHECK ((error_ms IS NOT NULL) = (state = 4)),
                error_code INTEGER CHECK ((error_code IS NOT NULL) = (state = 4)) CHECK (error_code BETWEEN 1 AND 6),
                error_message TEXT CHECK ((error_message IS NOT NULL) = (state = 4))
            ) STRICT;

            CREATE INDEX task_unsent ON task (id) WHERE state = 0;
            CREATE INDEX task_due ON task (deadline_ms, id) WHERE state = 1;
            CREATE INDEX task_out ON task (host, id) WHERE state = 1;

            -- Units and tasks of a batch by state, so that no poll of a large batch counts its rows.
            CREATE TABLE unit_count (
                batch INTEGER NOT NULL,
                state INTEGER NOT NULL,
                n INTEGER NOT NULL CHECK (n >= 0),
                PRIMARY KEY (batch, state)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE task_count (
                batch INTEGER NOT NULL,
                state INTEGER NOT NULL,
                n INTEGER NOT NULL CHECK (n >= 0),
                PRIMARY KEY (batch, state)
            ) STRICT, WITHOUT ROWID;

            CREATE TRIGGER work_unit_added AFTER INSERT ON work_unit BEGIN
                INSERT INTO unit_count (batch, state, n) VALUES (NEW.id >> 36, NEW.state, 1)
                ON CONFLICT (batch, state) DO UPDATE SET n = n + 1;
            END;

            CREATE TRIGGER work_unit_moved AFTER UPDATE OF state ON work_unit WHEN OLD.state <> NEW.state BEGIN
                UPDATE unit_count SET n = n - 1 WHERE batch = OLD.id >> 36 AND state = OLD.state;
                INSERT INTO unit_count (batch, state, n) VALUES (NEW.id >> 36, NEW.state, 1)
                ON CONFLICT (batch, state) DO UPDATE SET n = n + 1;
            END;

            CREATE TRIGGER work_unit_renumbered BEFORE UPDATE OF id ON work_unit WHEN OLD.id <> NEW.id BEGIN
                SELECT RAISE(ABORT, 'a work unit keeps its number');
            END;

            CREATE TRIGGER work_unit_removed AFTER DELETE ON work_unit BEGIN
                UPDATE unit_count SET n = n - 1 WHERE batch = OLD.id >> 36 AND state = OLD.state;
            END;

            CREATE TRIGGER task_added AFTER INSERT ON task BEGIN
                INSERT INTO task_count (batch, state, n) VALUES (NEW.id >> 42, NEW.state, 1)
                ON CONFLICT (batch, state) DO UPDATE SET n = n + 1;
            END;

            CREATE TRIGGER task_moved AFTER UPDATE OF state ON task WHEN OLD.state <> NEW.state BEGIN
                UPDATE task_count SET n = n - 1 WHERE batch = OLD.id >> 42 AND state = OLD.state;
                INSERT INTO task_count (batch, state, n) VALUES (NEW.id >> 42, NEW.state, 1)
                ON CONFLICT (batch, state) DO UPDATE SET n = n + 1;
            END;

            CREATE TRIGGER task_renumbered BEFORE UPDATE OF id ON task WHEN OLD.id <> NEW.id BEGIN
                SELECT RAISE(ABORT, 'a task keeps its number');
            END;

            CREATE TRIGGER task_removed AFTER DELETE ON task BEGIN
                UPDATE task_count SET n = n - 1 WHERE batch = OLD.id >> 42 AND state = OLD.state;
            END;

            -- The ledger: each side names a project or a host. It outlives units and tasks, so the task is no foreign
            -- key.
            CREATE TABLE ledger (
                number INTEGER PRIMARY KEY CHECK (number >= 1),
                at_ms INTEGER NOT NULL,
                debit_project TEXT,
                debit_host INTEGER REFERENCES host (id),
                credit_project TEXT,
                credit_host INTEGER REFERENCES host (id),
                amount INTEGER NOT NULL CHECK (amount >= 0),
                task INTEGER NOT NULL UNIQUE,
                project TEXT NOT NULL,
                CHECK ((debit_project IS NULL) <> (debit_host IS NULL)),
                CHECK ((credit_project IS NULL) <> (credit_host IS NULL))
            ) STRICT;

            -- Balances, credits minus debits, so that no report adds up the ledger.
            CREATE TABLE project_balance (
                project TEXT NOT NULL PRIMARY KEY,
                balance INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE host_balance (
                host INTEGER PRIMARY KEY REFERENCES host (id),
                balance INTEGER NOT NULL
            ) STRICT;

            -- The second condition repeats UNIQUE because INSERT OR REPLACE would get round that.
            CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
            WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM ledger)
                OR EXISTS (SELECT 1 FROM ledger WHERE task = NEW.task)
            BEGIN
                SELECT RAISE(ABORT, 'the ledger has one entry per task and no gaps');
            END;

            CREATE TRIGGER ledger_not_changed BEFORE UPDATE ON ledger BEGIN
                SELECT RAISE(ABORT, 'the ledger is append-only');
            END;

            CREATE TRIGGER ledger_not_removed BEFORE DELETE ON ledger BEGIN
                SELECT RAISE(ABORT, 'the ledger is append-only');
            END;

            CREATE TRIGGER ledger_added AFTER INSERT ON ledger BEGIN
                INSERT INTO project_balance (project, balance)
                SELECT NEW.debit_project, -NEW.amount WHERE NEW.debit_project IS NOT NULL
                ON CONFLICT (project) DO UPDATE SET balance = balance + excluded.balance;
                INSERT INTO project_balance (project, balance)
                SELECT NEW.credit_project, NEW.amount WHERE NEW.credit_project IS NOT NULL
                ON CONFLICT (project) DO UPDATE SET balance = balance + excluded.balance;
                INSERT INTO host_balance (host, balance)
                SELECT NEW.debit_host, -NEW.amount WHERE NEW.debit_host IS NOT NULL
                ON CONFLICT (host) DO UPDATE SET balance = balance + excluded.balance;
                INSERT INTO host_balance (host, balance)
                SELECT NEW.credit_host, NEW.amount WHERE NEW.credit_host IS NOT NULL
                ON CONFLICT (host) DO UPDATE SET balance = balance + excluded.balance;
            END;

            """#
    )
}
