-- Schema version 3: teams with their history, recent average credit, and credit by day.
-- Sources/StorageSQLite/Migration0003.swift holds the same text; a test compares them.

-- Recent average credit: cobblestones per day as of recent_ms; Sources/Domain/RecentAverage.swift
-- defines it. The program works it out for what the ledger holds already.
ALTER TABLE host ADD COLUMN recent REAL NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN recent_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE volunteer ADD COLUMN recent REAL NOT NULL DEFAULT 0;
ALTER TABLE volunteer ADD COLUMN recent_ms INTEGER NOT NULL DEFAULT 0;
-- Whether the statistics files may say which hosts are this volunteer's, and what machines they are.
ALTER TABLE volunteer ADD COLUMN shows_hosts INTEGER NOT NULL DEFAULT 0 CHECK (shows_hosts IN (0, 1));

CREATE INDEX host_of_volunteer ON host (volunteer, id);

CREATE TABLE team (
    id INTEGER PRIMARY KEY CHECK (id >= 1),
    name TEXT NOT NULL UNIQUE,
    founder INTEGER NOT NULL REFERENCES volunteer (id),
    credit INTEGER NOT NULL,
    recent REAL NOT NULL,
    recent_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

-- The second condition repeats UNIQUE because INSERT OR REPLACE would get round that.
CREATE TRIGGER team_in_order BEFORE INSERT ON team
WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM team)
    OR EXISTS (SELECT 1 FROM team WHERE name = NEW.name)
BEGIN
    SELECT RAISE(ABORT, 'teams are numbered without gaps and keep their names');
END;

CREATE TRIGGER team_not_changed BEFORE UPDATE OF id, name, founder, created_ms ON team
WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.founder <> OLD.founder
    OR NEW.created_ms <> OLD.created_ms
BEGIN
    SELECT RAISE(ABORT, 'a team keeps its name and founder');
END;

CREATE TRIGGER team_not_removed BEFORE DELETE ON team BEGIN
    SELECT RAISE(ABORT, 'teams are never removed');
END;

-- Who was in which team: from_ms belongs to it, until_ms no longer; NULL: it lasts. Rows are appended
-- in order of time and closed once, so credit never moves with its volunteer.
CREATE TABLE membership (
    id INTEGER PRIMARY KEY CHECK (id >= 1),
    volunteer INTEGER NOT NULL REFERENCES volunteer (id),
    team INTEGER NOT NULL REFERENCES team (id),
    from_ms INTEGER NOT NULL,
    until_ms INTEGER CHECK (until_ms >= from_ms)
) STRICT;

CREATE INDEX membership_of ON membership (volunteer, id);
CREATE INDEX membership_in ON membership (team, from_ms);
CREATE UNIQUE INDEX membership_lasting ON membership (volunteer) WHERE until_ms IS NULL;

CREATE TRIGGER membership_in_order BEFORE INSERT ON membership
WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM membership)
    OR EXISTS (
        SELECT 1 FROM membership
        WHERE volunteer = NEW.volunteer AND (until_ms IS NULL OR until_ms > NEW.from_ms))
BEGIN
    SELECT RAISE(ABORT, 'a volunteer is in one team at a time');
END;

CREATE TRIGGER membership_not_changed BEFORE UPDATE ON membership
WHEN OLD.until_ms IS NOT NULL OR NEW.id <> OLD.id OR NEW.volunteer <> OLD.volunteer OR NEW.team <> OLD.team
    OR NEW.from_ms <> OLD.from_ms
BEGIN
    SELECT RAISE(ABORT, 'a membership is closed once and never edited');
END;

CREATE TRIGGER membership_not_removed BEFORE DELETE ON membership BEGIN
    SELECT RAISE(ABORT, 'memberships are never removed');
END;

-- What hosts received for good, by day in UTC (days since 1970-01-01), project and team (0: none), so
-- that no export walks over the ledger. The team is the one that the volunteer was in at the moment of
-- the entry.
CREATE TABLE credit_day (
    host INTEGER NOT NULL REFERENCES host (id),
    day INTEGER NOT NULL,
    project TEXT NOT NULL,
    team INTEGER NOT NULL CHECK (team >= 0),
    amount INTEGER NOT NULL,
    PRIMARY KEY (host, day, project, team)
) STRICT, WITHOUT ROWID;

INSERT INTO credit_day (host, day, project, team, amount)
SELECT host, day, project, 0, sum(amount)
FROM (
    SELECT
        credit_host AS host, (at_ms - (at_ms % 86400000 + 86400000) % 86400000) / 86400000 AS day,
        project, amount
    FROM ledger WHERE credit_host IS NOT NULL AND kind <> 2
    UNION ALL
    SELECT debit_host, (at_ms - (at_ms % 86400000 + 86400000) % 86400000) / 86400000, project, -amount
    FROM ledger WHERE debit_host IS NOT NULL AND kind NOT IN (3, 4))
GROUP BY host, day, project;
