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
