extension Migration {
    /// Trust, provisional credit and the public log. The same text as `server/migrations/sqlite/0002_trust.sql`, which
    /// is the one to read; it lies here too because the server is a single file. A test compares them.
    static let trust = Migration(
        version: 2,
        sql: #"""
            -- Schema version 2: single results that are trusted, trust itself, provisional credit, and the public log.
            -- Sources/StorageSQLite/Migration0002.swift holds the same text; a test compares them.

            -- Work units have a further state, 8 provisional; its canonical task is the one whose result stands. Only
            -- the text of the two checks changes, and no row breaks the new ones, so the table need not be copied (the
            -- procedure is in https://sqlite.org/lang_altertable.html#otheralter).
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema
            SET sql = replace(
                replace(sql, 'CHECK (state BETWEEN 0 AND 7)', 'CHECK (state BETWEEN 0 AND 8)'),
                '= (state IN (3, 4, 5)))', '= (state IN (3, 4, 5, 8)))')
            WHERE type = 'table' AND name = 'work_unit';
            PRAGMA writable_schema = RESET;

            -- Acceptance: 0 quorum, 1 check, 2 adaptive with a rate and a window.
            ALTER TABLE batch ADD COLUMN acceptance INTEGER NOT NULL DEFAULT 0 CHECK (acceptance BETWEEN 0 AND 2);
            ALTER TABLE batch ADD COLUMN check_rate REAL CHECK ((check_rate IS NOT NULL) = (acceptance = 2));
            ALTER TABLE batch ADD COLUMN check_window INTEGER CHECK ((check_window IS NOT NULL) = (acceptance = 2));
            ALTER TABLE work_unit ADD COLUMN acceptance INTEGER NOT NULL DEFAULT 0 CHECK (acceptance BETWEEN 0 AND 2);
            ALTER TABLE work_unit ADD COLUMN check_rate REAL CHECK ((check_rate IS NOT NULL) = (acceptance = 2));
            ALTER TABLE work_unit ADD COLUMN check_window INTEGER CHECK ((check_window IS NOT NULL) = (acceptance = 2));

            ALTER TABLE host ADD COLUMN provisional_credit INTEGER NOT NULL DEFAULT 0 CHECK (provisional_credit >= 0);

            -- What checked results say of a host, for one app (without its version).
            CREATE TABLE trust (
                host INTEGER NOT NULL REFERENCES host (id),
                app TEXT NOT NULL,
                last_sequence INTEGER NOT NULL CHECK (last_sequence >= 0),
                streak INTEGER NOT NULL CHECK (streak >= 0),
                evidence REAL NOT NULL CHECK (evidence >= 0),
                evidence_ms INTEGER NOT NULL,
                passed INTEGER NOT NULL CHECK (passed >= 0),
                failed INTEGER NOT NULL CHECK (failed >= 0),
                last_failed_ms INTEGER,
                PRIMARY KEY (host, app)
            ) STRICT, WITHOUT ROWID;

            -- The results of a host and app in order. States: 0 checking, 1 provisional, 2 audited, 3 passed,
            -- 4 confirmed, 5 failed, 6 voided, 7 dropped. It outlives units and tasks, so the task is no foreign key.
            CREATE TABLE series (
                task INTEGER PRIMARY KEY CHECK (task >= 0),
                host INTEGER NOT NULL REFERENCES host (id),
                app TEXT NOT NULL,
                sequence INTEGER NOT NULL CHECK (sequence >= 1),
                state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
                UNIQUE (host, app, sequence)
            ) STRICT;

            CREATE INDEX series_checking ON series (host, app, sequence) WHERE state = 0;
            CREATE INDEX series_standing ON series (host, app, sequence) WHERE state IN (1, 2);
            CREATE INDEX series_open ON series (task) WHERE state IN (1, 2);

            -- The ledger has kinds: 1 grant (project to host), 2 hold (project to the host's provisional account),
            -- 3 release (provisional to host), 4 void (provisional to project). The kind says which account of the host
            -- is meant. A task has at most one entry of each.
            DROP TRIGGER ledger_in_order;
            DROP TRIGGER ledger_not_changed;
            DROP TRIGGER ledger_not_removed;
            DROP TRIGGER ledger_added;
            ALTER TABLE ledger RENAME TO ledger_1;

            CREATE TABLE ledger (
                number INTEGER PRIMARY KEY CHECK (number >= 1),
                at_ms INTEGER NOT NULL,
                kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
                debit_project TEXT,
                debit_host INTEGER REFERENCES host (id),
                credit_project TEXT,
                credit_host INTEGER REFERENCES host (id),
                amount INTEGER NOT NULL CHECK (amount >= 0),
                task INTEGER NOT NULL,
                project TEXT NOT NULL,
                UNIQUE (task, kind),
                CHECK ((debit_project IS NULL) <> (debit_host IS NULL)),
                CHECK ((credit_project IS NULL) <> (credit_host IS NULL))
            ) STRICT;

            INSERT INTO ledger (
                number, at_ms, kind, debit_project, debit_host, credit_project, credit_host, amount, task, project)
            SELECT number, at_ms, 1, debit_project, debit_host, credit_project, credit_host, amount, task, project
            FROM ledger_1;
            DROP TABLE ledger_1;

            ALTER TABLE host_balance ADD COLUMN provisional INTEGER NOT NULL DEFAULT 0;

            -- The second condition repeats UNIQUE because INSERT OR REPLACE would get round that.
            CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
            WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM ledger)
                OR EXISTS (SELECT 1 FROM ledger WHERE task = NEW.task AND kind = NEW.kind)
            BEGIN
                SELECT RAISE(ABORT, 'the ledger has one entry of a kind per task and no gaps');
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
                INSERT INTO host_balance (host, balance, provisional)
                SELECT NEW.debit_host, iif(NEW.kind IN (3, 4), 0, -NEW.amount), iif(NEW.kind IN (3, 4), -NEW.amount, 0)
                WHERE NEW.debit_host IS NOT NULL
                ON CONFLICT (host) DO UPDATE
                SET balance = balance + excluded.balance, provisional = provisional + excluded.provisional;
                INSERT INTO host_balance (host, balance, provisional)
                SELECT NEW.credit_host, iif(NEW.kind = 2, 0, NEW.amount), iif(NEW.kind = 2, NEW.amount, 0)
                WHERE NEW.credit_host IS NOT NULL
                ON CONFLICT (host) DO UPDATE
                SET balance = balance + excluded.balance, provisional = provisional + excluded.provisional;
            END;

            -- The leaves of the public log, numbered from 0 without gaps, and what its publisher keeps meanwhile.
            CREATE TABLE log_leaf (
                position INTEGER PRIMARY KEY CHECK (position >= 0),
                leaf BLOB NOT NULL
            ) STRICT;

            CREATE TRIGGER log_in_order BEFORE INSERT ON log_leaf
            WHEN NEW.position <> (SELECT coalesce(max(position), -1) + 1 FROM log_leaf)
            BEGIN
                SELECT RAISE(ABORT, 'the log has no gaps');
            END;

            CREATE TRIGGER log_not_changed BEFORE UPDATE ON log_leaf BEGIN
                SELECT RAISE(ABORT, 'the log is append-only');
            END;

            CREATE TRIGGER log_not_removed BEFORE DELETE ON log_leaf BEGIN
                SELECT RAISE(ABORT, 'the log is append-only');
            END;

            CREATE TABLE log_edge (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                edge BLOB NOT NULL
            ) STRICT;

            """#
    )
}
