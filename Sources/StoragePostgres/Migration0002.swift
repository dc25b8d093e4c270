extension Migration {
    /// The same text as `server/migrations/postgres/0002_links.sql`, which is the one to read.
    static let links = Migration(
        version: 2,
        sql: #"""
            -- PostgreSQL schema version 2: in meaning SQLite's schema version 7, which explains it.
            -- Sources/StoragePostgres/Migration0002.swift holds the same text; a test compares them.

            ALTER TABLE volunteer DROP CONSTRAINT volunteer_name_key;
            ALTER TABLE volunteer ADD COLUMN erased_ms bigint;
            ALTER TABLE host ADD COLUMN removed_ms bigint;

            CREATE TABLE link_code (
                digest bytea PRIMARY KEY CHECK (length(digest) = 32),
                volunteer bigint NOT NULL REFERENCES volunteer (id),
                host bigint NOT NULL REFERENCES host (id),
                created_ms bigint NOT NULL,
                expires_ms bigint NOT NULL,
                used_by bigint REFERENCES host (id),
                used_ms bigint CHECK ((used_ms IS NULL) = (used_by IS NULL))
            );

            CREATE INDEX link_code_of ON link_code (volunteer, created_ms);

            """#,
        objects: 384
    )
}
