-- Schema version 6. How a batch stands, and balances, are written once a transaction by the store,
-- instead of by triggers with each row.
-- Sources/StorageSQLite/Migration0006.swift holds the same text; a test compares them.

CREATE TABLE batch_count (
    batch INTEGER PRIMARY KEY REFERENCES batch (id),
    ready INTEGER NOT NULL CHECK (ready >= 0),
    active INTEGER NOT NULL CHECK (active >= 0),
    comparing INTEGER NOT NULL CHECK (comparing >= 0),
    provisional INTEGER NOT NULL CHECK (provisional >= 0),
    validated INTEGER NOT NULL CHECK (validated >= 0),
    -- assembled or purged
    assembled INTEGER NOT NULL CHECK (assembled >= 0),
    failed INTEGER NOT NULL CHECK (failed >= 0),
    cancelled INTEGER NOT NULL CHECK (cancelled >= 0),
    tasks_out INTEGER NOT NULL CHECK (tasks_out >= 0),
    -- reported, decided or failed
    tasks_done INTEGER NOT NULL CHECK (tasks_done >= 0)
) STRICT;

INSERT INTO batch_count
SELECT
    batch, sum(iif(state = 0, n, 0)), sum(iif(state = 1, n, 0)), sum(iif(state = 2, n, 0)),
    sum(iif(state = 8, n, 0)), sum(iif(state = 3, n, 0)), sum(iif(state IN (4, 5), n, 0)),
    sum(iif(state = 6, n, 0)), sum(iif(state = 7, n, 0)),
    coalesce((SELECT sum(t.n) FROM task_count t WHERE t.batch = u.batch AND t.state = 1), 0),
    coalesce((SELECT sum(t.n) FROM task_count t WHERE t.batch = u.batch AND t.state IN (2, 3, 4)), 0)
FROM unit_count u GROUP BY batch;

DROP TRIGGER work_unit_added;
DROP TRIGGER work_unit_moved;
DROP TRIGGER work_unit_removed;
DROP TRIGGER task_added;
DROP TRIGGER task_moved;
DROP TRIGGER task_removed;
DROP TABLE unit_count;
DROP TABLE task_count;
DROP TRIGGER ledger_added;
