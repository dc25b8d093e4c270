extension Migration {
    /// The text of `server/migrations/postgres/0001_initial.sql`, which is the one to read.
    static let initial = Migration(version: 1, sql: initialWork + "\n\n" + initialLedger + "\n", objects: 369)
}

extension Migration {
    /// Batches, hosts, units and tasks.
    static let initialWork = #"""
        -- PostgreSQL schema version 1: in meaning SQLite's schema version 4, which explains the columns. Times are
        -- milliseconds since 1970-01-01 UTC, credit is in millionths of a cobblestone, digests are SHA-256, flags are
        -- 0 and 1. Text cannot hold the character 0 here; it is written as U+0001 '0', and U+0001 as U+0001 '1'.
        -- Sources/StoragePostgres/Migration0001.swift holds the same text; a test compares them.

        CREATE TABLE batch (
            id bigint PRIMARY KEY CHECK (id BETWEEN 1 AND 2097151),
            project text NOT NULL,
            title text NOT NULL,
            app text NOT NULL,
            manifest bytea NOT NULL CHECK (length(manifest) = 32),
            quorum bigint NOT NULL,
            initial_tasks bigint NOT NULL,
            max_total bigint NOT NULL,
            max_errors bigint NOT NULL,
            deadline_ms bigint NOT NULL,
            acceptance bigint NOT NULL CHECK (acceptance BETWEEN 0 AND 2),
            check_rate double precision CHECK ((check_rate IS NOT NULL) = (acceptance = 2)),
            check_window bigint CHECK ((check_window IS NOT NULL) = (acceptance = 2)),
            state bigint NOT NULL CHECK (state BETWEEN 0 AND 4),
            failure text CHECK ((failure IS NOT NULL) = (state = 3)),
            cursor bytea NOT NULL,
            split_finished bigint NOT NULL CHECK (split_finished IN (0, 1)),
            work_unit_count bigint NOT NULL CHECK (work_unit_count >= 0),
            created_ms bigint NOT NULL,
            finished_ms bigint
        );

        CREATE INDEX batch_open ON batch (id) WHERE state IN (0, 1);

        CREATE TABLE batch_input (
            batch bigint NOT NULL REFERENCES batch (id),
            position bigint NOT NULL CHECK (position >= 0),
            name text NOT NULL,
            digest bytea NOT NULL CHECK (length(digest) = 32),
            size bigint NOT NULL CHECK (size >= 0),
            packing text NOT NULL CHECK (packing IN ('plain', 'table', 'raw')),
            PRIMARY KEY (batch, position)
        );

        CREATE TABLE volunteer (
            id bigint PRIMARY KEY CHECK (id >= 1),
            name text COLLATE "C" NOT NULL UNIQUE,
            credit bigint NOT NULL,
            recent double precision NOT NULL,
            recent_ms bigint NOT NULL,
            shows_hosts bigint NOT NULL CHECK (shows_hosts IN (0, 1)),
            created_ms bigint NOT NULL
        ) WITH (fillfactor = 60);

        CREATE TABLE host (
            id bigint PRIMARY KEY CHECK (id >= 1),
            volunteer bigint NOT NULL REFERENCES volunteer (id),
            public_key bytea NOT NULL UNIQUE CHECK (length(public_key) = 32),
            name text NOT NULL,
            platform text NOT NULL,
            cpu_model text NOT NULL,
            cores bigint NOT NULL,
            memory_bytes bigint NOT NULL,
            disk_free_bytes bigint NOT NULL,
            benchmark_flops double precision NOT NULL,
            client_version text NOT NULL,
            sequence bigint NOT NULL,
            measured_flops double precision,
            valid_count bigint NOT NULL CHECK (valid_count >= 0),
            invalid_count bigint NOT NULL CHECK (invalid_count >= 0),
            error_count bigint NOT NULL CHECK (error_count >= 0),
            credit bigint NOT NULL,
            provisional_credit bigint NOT NULL CHECK (provisional_credit >= 0),
            recent double precision NOT NULL,
            recent_ms bigint NOT NULL,
            created_ms bigint NOT NULL,
            last_seen_ms bigint NOT NULL
        ) WITH (fillfactor = 60);

        CREATE INDEX host_of_volunteer ON host (volunteer, id);

        CREATE TABLE work_unit (
            -- batch << 36 | index
            id bigint PRIMARY KEY CHECK (id >= 0),
            batch bigint GENERATED ALWAYS AS (id >> 36) STORED REFERENCES batch (id),
            label text NOT NULL,
            app text NOT NULL,
            container bytea NOT NULL CHECK (length(container) = 32),
            container_bytes bigint NOT NULL CHECK (container_bytes >= 0),
            flops double precision NOT NULL,
            credit bigint NOT NULL CHECK (credit >= 0),
            memory_bytes bigint NOT NULL,
            disk_bytes bigint NOT NULL,
            output_bytes_max bigint NOT NULL,
            flops_bound double precision NOT NULL,
            check_each bigint NOT NULL CHECK (check_each IN (0, 1)),
            quorum bigint NOT NULL,
            initial_tasks bigint NOT NULL,
            max_total bigint NOT NULL,
            max_errors bigint NOT NULL,
            deadline_ms bigint NOT NULL,
            acceptance bigint NOT NULL CHECK (acceptance BETWEEN 0 AND 2),
            check_rate double precision CHECK ((check_rate IS NOT NULL) = (acceptance = 2)),
            check_window bigint CHECK ((check_window IS NOT NULL) = (acceptance = 2)),
            state bigint NOT NULL CHECK (state BETWEEN 0 AND 8),
            canonical bigint CHECK ((canonical IS NOT NULL) = (state IN (3, 4, 5, 8)))
                CHECK (canonical IS NULL OR canonical >> 6 = id),
            failure bigint CHECK ((failure IS NOT NULL) = (state = 6)) CHECK (failure BETWEEN 1 AND 3),
            failure_text text CHECK ((failure_text IS NOT NULL) = (failure IS NOT DISTINCT FROM 3)),
            awaiting bigint NOT NULL CHECK (awaiting IN (0, 1)) CHECK (state <> 2 OR awaiting = 1),
            revision bigint NOT NULL CHECK (revision >= 0),
            created_ms bigint NOT NULL,
            updated_ms bigint NOT NULL
        ) WITH (fillfactor = 70);

        CREATE INDEX work_unit_awaiting ON work_unit (id) WHERE awaiting = 1;

        CREATE TABLE task (
            -- unit << 6 | ordinal
            id bigint PRIMARY KEY CHECK (id >= 0),
            -- No foreign key: it would look through all tasks for each unit that is removed. Units are written
            -- together with their tasks, and fsck compares both.
            unit bigint GENERATED ALWAYS AS (id >> 6) STORED,
            state bigint NOT NULL CHECK (state BETWEEN 0 AND 7),
            host bigint REFERENCES host (id) CHECK ((host IS NOT NULL) = (state BETWEEN 1 AND 6)),
            volunteer bigint REFERENCES volunteer (id) CHECK ((volunteer IS NOT NULL) = (state BETWEEN 1 AND 6)),
            sent_ms bigint CHECK ((sent_ms IS NOT NULL) = (state BETWEEN 1 AND 6)),
            deadline_ms bigint CHECK ((deadline_ms IS NOT NULL) = (state BETWEEN 1 AND 6)),
            reported_ms bigint CHECK ((reported_ms IS NOT NULL) = (state IN (2, 3))),
            result bytea CHECK ((result IS NOT NULL) = (state IN (2, 3))) CHECK (length(result) = 32),
            result_bytes bigint CHECK ((result_bytes IS NOT NULL) = (state IN (2, 3))) CHECK (result_bytes >= 0),
            cpu_seconds double precision CHECK ((cpu_seconds IS NOT NULL) = (state IN (2, 3))),
            wall_seconds double precision CHECK ((wall_seconds IS NOT NULL) = (state IN (2, 3))),
            fingerprint text CHECK ((fingerprint IS NOT NULL) = (state IN (2, 3))),
            check_state bigint CHECK ((check_state IS NOT NULL) = (state = 2)) CHECK (check_state BETWEEN 0 AND 2),
            outcome bigint CHECK ((outcome IS NOT NULL) = (state = 3)) CHECK (outcome BETWEEN 1 AND 4),
            decided_ms bigint CHECK ((decided_ms IS NOT NULL) = (state = 3)),
            reason text CHECK ((reason IS NOT NULL) = (state = 3)),
            compared_with bigint CHECK (compared_with IS NULL OR state = 3),
            element text CHECK (element IS NULL OR state = 3),
            distance double precision CHECK (distance IS NULL OR element IS NOT NULL),
            tolerance double precision CHECK (tolerance IS NULL OR element IS NOT NULL),
            error_ms bigint CHECK ((error_ms IS NOT NULL) = (state = 4)),
            error_code bigint CHECK ((error_code IS NOT NULL) = (state = 4)) CHECK (error_code BETWEEN 1 AND 6),
            error_message text CHECK ((error_message IS NOT NULL) = (state = 4))
        ) WITH (fillfactor = 70);

        CREATE INDEX task_open ON task (id) WHERE state IN (0, 1);

        CREATE TABLE unit_count (
            batch bigint NOT NULL,
            state bigint NOT NULL,
            n bigint NOT NULL CHECK (n >= 0),
            PRIMARY KEY (batch, state)
        ) WITH (fillfactor = 20);

        CREATE TABLE task_count (
            batch bigint NOT NULL,
            state bigint NOT NULL,
            n bigint NOT NULL CHECK (n >= 0),
            PRIMARY KEY (batch, state)
        ) WITH (fillfactor = 20);

        -- How batches stand, in the form that other databases keep.
        CREATE VIEW batch_count AS
        SELECT
            batch,
            coalesce(sum(u.n) FILTER (WHERE u.state = 0), 0)::bigint AS ready,
            coalesce(sum(u.n) FILTER (WHERE u.state = 1), 0)::bigint AS active,
            coalesce(sum(u.n) FILTER (WHERE u.state = 2), 0)::bigint AS comparing,
            coalesce(sum(u.n) FILTER (WHERE u.state = 8), 0)::bigint AS provisional,
            coalesce(sum(u.n) FILTER (WHERE u.state = 3), 0)::bigint AS validated,
            coalesce(sum(u.n) FILTER (WHERE u.state IN (4, 5)), 0)::bigint AS assembled,
            coalesce(sum(u.n) FILTER (WHERE u.state = 6), 0)::bigint AS failed,
            coalesce(sum(u.n) FILTER (WHERE u.state = 7), 0)::bigint AS cancelled,
            coalesce((SELECT sum(t.n) FROM task_count t WHERE t.batch = u.batch AND t.state = 1), 0)::bigint
                AS tasks_out,
            coalesce(
                (SELECT sum(t.n) FROM task_count t WHERE t.batch = u.batch AND t.state IN (2, 3, 4)), 0)::bigint
                AS tasks_done
        FROM unit_count u GROUP BY batch;

        -- Triggers work once a statement, on all rows together, and join nothing: a group of calls is one statement.
        CREATE FUNCTION work_unit_counted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO unit_count AS c (batch, state, n)
                SELECT id >> 36, state, count(*) FROM added GROUP BY 1, 2
                ON CONFLICT (batch, state) DO UPDATE SET n = c.n + excluded.n;
            ELSIF TG_OP = 'DELETE' THEN
                UPDATE unit_count c SET n = c.n - d.n
                FROM (SELECT id >> 36 AS batch, state, count(*) AS n FROM removed GROUP BY 1, 2) d
                WHERE c.batch = d.batch AND c.state = d.state;
            ELSE
                INSERT INTO unit_count (batch, state, n)
                SELECT DISTINCT id >> 36, state, 0 FROM added
                ON CONFLICT (batch, state) DO NOTHING;
                UPDATE unit_count c SET n = c.n + d.n
                FROM (
                    SELECT batch, state, sum(n) AS n
                    FROM (
                        SELECT id >> 36 AS batch, state, 1 AS n FROM added
                        UNION ALL SELECT id >> 36, state, -1 FROM removed) m
                    GROUP BY 1, 2 HAVING sum(n) <> 0) d
                WHERE c.batch = d.batch AND c.state = d.state;
            END IF;
            RETURN NULL;
        END $$;

        CREATE TRIGGER work_unit_added AFTER INSERT ON work_unit REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION work_unit_counted();
        CREATE TRIGGER work_unit_moved AFTER UPDATE ON work_unit REFERENCING NEW TABLE AS added OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION work_unit_counted();
        CREATE TRIGGER work_unit_removed AFTER DELETE ON work_unit REFERENCING OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION work_unit_counted();

        CREATE FUNCTION task_counted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO task_count AS c (batch, state, n)
                SELECT id >> 42, state, count(*) FROM added GROUP BY 1, 2
                ON CONFLICT (batch, state) DO UPDATE SET n = c.n + excluded.n;
            ELSIF TG_OP = 'DELETE' THEN
                UPDATE task_count c SET n = c.n - d.n
                FROM (SELECT id >> 42 AS batch, state, count(*) AS n FROM removed GROUP BY 1, 2) d
                WHERE c.batch = d.batch AND c.state = d.state;
            ELSE
                INSERT INTO task_count (batch, state, n)
                SELECT DISTINCT id >> 42, state, 0 FROM added
                ON CONFLICT (batch, state) DO NOTHING;
                UPDATE task_count c SET n = c.n + d.n
                FROM (
                    SELECT batch, state, sum(n) AS n
                    FROM (
                        SELECT id >> 42 AS batch, state, 1 AS n FROM added
                        UNION ALL SELECT id >> 42, state, -1 FROM removed) m
                    GROUP BY 1, 2 HAVING sum(n) <> 0) d
                WHERE c.batch = d.batch AND c.state = d.state;
            END IF;
            RETURN NULL;
        END $$;

        CREATE TRIGGER task_added AFTER INSERT ON task REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION task_counted();
        CREATE TRIGGER task_moved AFTER UPDATE ON task REFERENCING NEW TABLE AS added OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION task_counted();
        CREATE TRIGGER task_removed AFTER DELETE ON task REFERENCING OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION task_counted();

        -- Refuses what the trigger's argument says.
        CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
        END $$;

        CREATE TRIGGER work_unit_renumbered BEFORE UPDATE OF id ON work_unit
        FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION refused('a work unit keeps its number');
        CREATE TRIGGER task_renumbered BEFORE UPDATE OF id ON task
        FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION refused('a task keeps its number');
        CREATE TRIGGER work_unit_not_emptied BEFORE TRUNCATE ON work_unit
        EXECUTE FUNCTION refused('work units are counted');
        CREATE TRIGGER task_not_emptied BEFORE TRUNCATE ON task EXECUTE FUNCTION refused('tasks are counted');
        """#
}
