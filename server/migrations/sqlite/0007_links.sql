-- Schema version 7. Who somebody is, the number says: two volunteers may have one name. Hosts lose their
-- authority, volunteers are erased, and codes let further hosts join a volunteer.
-- Sources/StorageSQLite/Migration0007.swift holds the same text; a test compares them.

CREATE TABLE volunteer_by_number (
    id INTEGER PRIMARY KEY CHECK (id >= 1),
    name TEXT NOT NULL,
    credit INTEGER NOT NULL,
    recent REAL NOT NULL,
    recent_ms INTEGER NOT NULL,
    -- Whether the statistics files may say which hosts are this volunteer's, and what machines they are.
    shows_hosts INTEGER NOT NULL CHECK (shows_hosts IN (0, 1)),
    created_ms INTEGER NOT NULL,
    -- When the personal data were erased; NULL: they were not.
    erased_ms INTEGER
) STRICT;
INSERT INTO volunteer_by_number
SELECT id, name, credit, recent, recent_ms, shows_hosts, created_ms, NULL FROM volunteer;
DROP TABLE volunteer;
ALTER TABLE volunteer_by_number RENAME TO volunteer;

-- When the host lost its authority; NULL: it may call.
ALTER TABLE host ADD COLUMN removed_ms INTEGER;

-- Of a code only a keyed hash. Rows go after a month, and with the volunteer.
CREATE TABLE link_code (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    volunteer INTEGER NOT NULL REFERENCES volunteer (id),
    -- Who asked for it.
    host INTEGER NOT NULL REFERENCES host (id),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    -- The host that joined with it.
    used_by INTEGER REFERENCES host (id),
    used_ms INTEGER CHECK ((used_ms IS NULL) = (used_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX link_code_of ON link_code (volunteer, created_ms);
