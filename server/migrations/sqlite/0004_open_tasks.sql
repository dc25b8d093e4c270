-- Schema version 4. The queue of tasks, deadlines and who has what are kept in memory and rebuilt at the
-- start from one index, which a task enters when it is made and leaves when it ends.
-- Sources/StorageSQLite/Migration0004.swift holds the same text; a test compares them.

CREATE INDEX task_open ON task (id) WHERE state IN (0, 1);
DROP INDEX task_unsent;
DROP INDEX task_due;
DROP INDEX task_out;
