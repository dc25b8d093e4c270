extension Migration {
    /// Trust, ledger, teams, log, and what processes tell each other.
    static let initialLedger = #"""
        CREATE TABLE trust (
            host bigint NOT NULL REFERENCES host (id),
            app text COLLATE "C" NOT NULL,
            last_sequence bigint NOT NULL CHECK (last_sequence >= 0),
            streak bigint NOT NULL CHECK (streak >= 0),
            evidence double precision NOT NULL CHECK (evidence >= 0),
            evidence_ms bigint NOT NULL,
            passed bigint NOT NULL CHECK (passed >= 0),
            failed bigint NOT NULL CHECK (failed >= 0),
            last_failed_ms bigint,
            PRIMARY KEY (host, app)
        );

        CREATE TABLE series (
            task bigint PRIMARY KEY CHECK (task >= 0),
            host bigint NOT NULL REFERENCES host (id),
            app text COLLATE "C" NOT NULL,
            sequence bigint NOT NULL CHECK (sequence >= 1),
            state bigint NOT NULL CHECK (state BETWEEN 0 AND 7),
            UNIQUE (host, app, sequence)
        );

        CREATE INDEX series_checking ON series (host, app, sequence) WHERE state = 0;
        CREATE INDEX series_standing ON series (host, app, sequence) WHERE state IN (1, 2);
        CREATE INDEX series_open ON series (task) WHERE state IN (1, 2);

        CREATE TABLE ledger (
            number bigint PRIMARY KEY CHECK (number >= 1),
            at_ms bigint NOT NULL,
            kind bigint NOT NULL CHECK (kind BETWEEN 1 AND 4),
            debit_project text,
            debit_host bigint REFERENCES host (id),
            credit_project text,
            credit_host bigint REFERENCES host (id),
            amount bigint NOT NULL CHECK (amount >= 0),
            task bigint NOT NULL,
            project text NOT NULL,
            UNIQUE (task, kind),
            CHECK ((debit_project IS NULL) <> (debit_host IS NULL)),
            CHECK ((credit_project IS NULL) <> (credit_host IS NULL))
        );

        CREATE TABLE project_balance (
            project text COLLATE "C" PRIMARY KEY,
            balance bigint NOT NULL
        ) WITH (fillfactor = 20);

        CREATE TABLE host_balance (
            host bigint PRIMARY KEY REFERENCES host (id),
            balance bigint NOT NULL,
            provisional bigint NOT NULL
        ) WITH (fillfactor = 60);

        CREATE FUNCTION ledger_counted() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            lowest bigint;
            highest bigint;
            n bigint;
        BEGIN
            SELECT min(number), max(number), count(*) INTO lowest, highest, n FROM added;
            IF n = 0 THEN RETURN NULL; END IF;
            IF highest - lowest + 1 <> n
                OR lowest <> (SELECT coalesce(max(number), 0) + 1 FROM ledger WHERE number < lowest)
            THEN
                RAISE EXCEPTION 'the ledger has no gaps' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            INSERT INTO project_balance AS b (project, balance)
            SELECT project, sum(amount)
            FROM (
                SELECT debit_project AS project, -amount AS amount FROM added WHERE debit_project IS NOT NULL
                UNION ALL SELECT credit_project, amount FROM added WHERE credit_project IS NOT NULL) m
            GROUP BY 1
            ON CONFLICT (project) DO UPDATE SET balance = b.balance + excluded.balance;
            INSERT INTO host_balance AS b (host, balance, provisional)
            SELECT host, sum(final), sum(provisional)
            FROM (
                SELECT debit_host AS host, CASE WHEN kind IN (3, 4) THEN 0 ELSE -amount END AS final,
                    CASE WHEN kind IN (3, 4) THEN -amount ELSE 0 END AS provisional
                FROM added WHERE debit_host IS NOT NULL
                UNION ALL
                SELECT credit_host, CASE WHEN kind = 2 THEN 0 ELSE amount END,
                    CASE WHEN kind = 2 THEN amount ELSE 0 END
                FROM added WHERE credit_host IS NOT NULL) m
            GROUP BY 1
            ON CONFLICT (host) DO UPDATE
            SET balance = b.balance + excluded.balance, provisional = b.provisional + excluded.provisional;
            RETURN NULL;
        END $$;

        CREATE TRIGGER ledger_added AFTER INSERT ON ledger REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_counted();
        CREATE TRIGGER ledger_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
        EXECUTE FUNCTION refused('the ledger is append-only');

        CREATE TABLE team (
            id bigint PRIMARY KEY CHECK (id >= 1),
            name text COLLATE "C" NOT NULL UNIQUE,
            founder bigint NOT NULL REFERENCES volunteer (id),
            credit bigint NOT NULL,
            recent double precision NOT NULL,
            recent_ms bigint NOT NULL,
            created_ms bigint NOT NULL
        ) WITH (fillfactor = 60);

        CREATE TABLE membership (
            id bigint PRIMARY KEY CHECK (id >= 1),
            volunteer bigint NOT NULL REFERENCES volunteer (id),
            team bigint NOT NULL REFERENCES team (id),
            from_ms bigint NOT NULL,
            until_ms bigint CHECK (until_ms >= from_ms)
        );

        CREATE INDEX membership_of ON membership (volunteer, id);
        CREATE INDEX membership_in ON membership (team, from_ms);
        CREATE UNIQUE INDEX membership_lasting ON membership (volunteer) WHERE until_ms IS NULL;

        -- Few rows: once a row will do.
        CREATE FUNCTION team_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM team) THEN
                    RAISE EXCEPTION 'teams are numbered without gaps'
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.founder <> OLD.founder
                OR NEW.created_ms <> OLD.created_ms
            THEN
                RAISE EXCEPTION 'a team keeps its name and founder' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$;

        CREATE TRIGGER team_in_order BEFORE INSERT OR UPDATE ON team FOR EACH ROW EXECUTE FUNCTION team_guarded();
        CREATE TRIGGER team_not_removed BEFORE DELETE OR TRUNCATE ON team
        EXECUTE FUNCTION refused('teams are never removed');

        CREATE FUNCTION membership_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM membership) OR EXISTS (
                    SELECT 1 FROM membership
                    WHERE volunteer = NEW.volunteer AND (until_ms IS NULL OR until_ms > NEW.from_ms))
                THEN
                    RAISE EXCEPTION 'a volunteer is in one team at a time'
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF OLD.until_ms IS NOT NULL OR NEW.id <> OLD.id OR NEW.volunteer <> OLD.volunteer
                OR NEW.team <> OLD.team OR NEW.from_ms <> OLD.from_ms
            THEN
                RAISE EXCEPTION 'a membership is closed once and never edited'
                USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$;

        CREATE TRIGGER membership_in_order BEFORE INSERT OR UPDATE ON membership
        FOR EACH ROW EXECUTE FUNCTION membership_guarded();
        CREATE TRIGGER membership_not_removed BEFORE DELETE OR TRUNCATE ON membership
        EXECUTE FUNCTION refused('memberships are never removed');

        CREATE TABLE credit_day (
            host bigint NOT NULL REFERENCES host (id),
            day bigint NOT NULL,
            project text COLLATE "C" NOT NULL,
            team bigint NOT NULL CHECK (team >= 0),
            amount bigint NOT NULL,
            PRIMARY KEY (host, day, project, team)
        ) WITH (fillfactor = 60);

        CREATE TABLE log_leaf (
            position bigint PRIMARY KEY CHECK (position >= 0),
            leaf bytea NOT NULL
        );

        CREATE FUNCTION log_counted() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            lowest bigint;
            highest bigint;
            n bigint;
        BEGIN
            SELECT min(position), max(position), count(*) INTO lowest, highest, n FROM added;
            IF n > 0 AND (highest - lowest + 1 <> n
                OR lowest <> (SELECT coalesce(max(position), -1) + 1 FROM log_leaf WHERE position < lowest))
            THEN
                RAISE EXCEPTION 'the log has no gaps' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$;

        CREATE TRIGGER log_in_order AFTER INSERT ON log_leaf REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION log_counted();
        CREATE TRIGGER log_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_leaf
        EXECUTE FUNCTION refused('the log is append-only');

        CREATE TABLE log_edge (
            id bigint PRIMARY KEY CHECK (id = 1),
            edge bytea NOT NULL
        );

        -- What commits have changed, for other server processes: see docs/decisions/0009-postgresql.md. The newest row
        -- always stays; a process that lacks a row reads everything again.
        CREATE TABLE change (
            generation bigint PRIMARY KEY CHECK (generation >= 0),
            writer bigint NOT NULL,
            note bytea NOT NULL
        );

        INSERT INTO change (generation, writer, note) VALUES (0, 0, '');

        -- The last commit of each store that ever wrote, for one whose answer was lost: of `change`, old rows go.
        CREATE TABLE last_commit (
            writer bigint PRIMARY KEY CHECK (writer >= 1),
            generation bigint NOT NULL CHECK (generation >= 1)
        ) WITH (fillfactor = 20);

        -- Which server process runs the daemons: each that takes over raises the number, and what an older one still
        -- tries to commit is refused.
        CREATE TABLE daemons (
            id bigint PRIMARY KEY CHECK (id = 1),
            term bigint NOT NULL CHECK (term >= 0)
        );

        INSERT INTO daemons (id, term) VALUES (1, 0);

        -- Blobs that are not worth a file each, for processes on several machines.
        CREATE TABLE small_blob (
            digest bytea PRIMARY KEY CHECK (length(digest) = 32),
            bytes bytea NOT NULL
        );
        """#
}
