-- Schema version 5. Inputs may have a third packing: raw, the file itself.
-- Sources/StorageSQLite/Migration0005.swift holds the same text; a test compares them.

CREATE TABLE batch_input_raw (
    batch INTEGER NOT NULL REFERENCES batch (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    name TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER NOT NULL CHECK (size >= 0),
    packing TEXT NOT NULL CHECK (packing IN ('plain', 'table', 'raw')),
    PRIMARY KEY (batch, position)
) STRICT, WITHOUT ROWID;
INSERT INTO batch_input_raw SELECT batch, position, name, digest, size, packing FROM batch_input;
DROP TABLE batch_input;
ALTER TABLE batch_input_raw RENAME TO batch_input;
