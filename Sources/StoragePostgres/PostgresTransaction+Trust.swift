import Domain
import Storage

enum TrustSQL {
    static let row = Columns(
        "host app:t last_sequence streak evidence:r evidence_ms passed failed last_failed_ms")
    static let columns = row.list
    static let one = Query("SELECT \(columns) FROM trust WHERE host = $1 AND app = $2")
    static let all = Query("SELECT \(columns) FROM trust ORDER BY host, app")
    static let ofHosts = Query("SELECT \(columns) FROM trust WHERE host = ANY ($1::bigint[])")
    static let save = row.insert(
        into: "trust",
        onConflict: """
            ON CONFLICT (host, app) DO UPDATE SET last_sequence = excluded.last_sequence, streak = excluded.streak,
                evidence = excluded.evidence, evidence_ms = excluded.evidence_ms, passed = excluded.passed,
                failed = excluded.failed, last_failed_ms = excluded.last_failed_ms
            """)

    static let entryRow = Columns("task host app:t sequence state")
    static let entry = entryRow.list
    static let entryOf = Query("SELECT \(entry) FROM series WHERE task = $1")
    static let taken = Query(
        """
        SELECT 1::bigint FROM series WHERE task = $1
        UNION ALL SELECT 1::bigint FROM series WHERE host = $2 AND app = $3 AND sequence = $4
        """)
    static let insertEntry = entryRow.insert(into: "series")
    static let updateEntry = Query("UPDATE series SET state = $2 WHERE task = $1")
    static let standing = Query(
        """
        SELECT \(entry) FROM series
        WHERE host = $1 AND app = $2 AND sequence <= $3 AND state IN (1, 2) ORDER BY sequence LIMIT $4
        """)
    static let firstChecking = Query(
        "SELECT sequence FROM series WHERE host = $1 AND app = $2 AND state = 0 ORDER BY sequence LIMIT 1")
    static let ofBatch = Query(
        "SELECT \(entry) FROM series WHERE task BETWEEN $1 AND $2 AND state IN (1, 2) ORDER BY task LIMIT $3")
}

extension PostgresTransaction {
    func trust(of host: HostID, app: String) throws -> TrustRecord? {
        try alive()
        let key = TrustKey(host: host, app: app)
        if let known = trustRows.row(key) { return known }
        aside.trustApps.insert(app)
        if aside.withoutTrust.value(key) != nil { return nil }
        let found = try first(
            TrustSQL.one,
            {
                $0.integer(host.rawValue)
                $0.text(app)
            }, readTrust)
        if let found { trustRows.read(key, found) } else { aside.withoutTrust.keep(key, true) }
        return found
    }

    func saveTrust(_ record: TrustRecord) throws {
        try StoreRules.check(record)
        try requireHost(record.host)
        if let old = try trust(of: record.host, app: record.app) {
            trustRows.change(record.key, to: record, from: old)
        } else {
            trustRows.inserted(record.key)
            trustRows.change(record.key, to: record, from: record, isStored: false)
            aside.withoutTrust.drop(record.key)
        }
        try settleIfLarge()
    }

    func writeTrust(_ records: [TrustRecord]) throws {
        note.trust += records.map(\.host.rawValue)
        for part in records.parts {
            try write(TrustSQL.save) { to in
                for record in part {
                    to.integer(record.host.rawValue)
                    to.text(record.app)
                    to.integer(record.lastSequence)
                    to.integer(record.streak)
                    to.real(record.evidence)
                    to.time(record.evidenceAt)
                    to.integer(record.passed)
                    to.integer(record.failed)
                    to.integer(record.lastFailedAt?.milliseconds)
                }
            }
        }
    }

    func trustRecords() throws -> [TrustRecord] {
        try settle()
        return try all(TrustSQL.all, { _ in }, readTrust)
    }

    func insertSeriesEntry(_ entry: SeriesEntry) throws {
        try StoreRules.check(entry)
        try requireHost(entry.host)
        let isTaken = try first(
            TrustSQL.taken,
            {
                $0.integer(entry.task.rawValue)
                $0.integer(entry.host.rawValue)
                $0.text(entry.app)
                $0.integer(entry.sequence)
            }, { _ in true })
        guard isTaken == nil else { throw StoreError.duplicate("series entry for task \(entry.task)") }
        aside.withoutSeries.drop(entry.task.unit)
        note.units.append(ChangeNote.Unit(id: entry.task.unit))
        try write(TrustSQL.insertEntry) {
            $0.integer(entry.task.rawValue)
            $0.integer(entry.host.rawValue)
            $0.text(entry.app)
            $0.integer(entry.sequence)
            $0.integer(entry.state.rawValue)
        }
    }

    func seriesEntry(for task: TaskID) throws -> SeriesEntry? {
        try alive()
        if aside.withoutSeries.value(task.unit) != nil { return nil }
        return try first(TrustSQL.entryOf, { $0.integer(task.rawValue) }, readEntry)
    }

    func updateSeriesEntry(_ entry: SeriesEntry) throws {
        guard let old = try seriesEntry(for: entry.task) else {
            throw StoreError.missing("series entry for task \(entry.task)")
        }
        try StoreRules.check(entry, replacing: old)
        try write(TrustSQL.updateEntry) {
            $0.integer(entry.task.rawValue)
            $0.integer(entry.state.rawValue)
        }
    }

    func standingSeries(of host: HostID, app: String, through: Int64, limit: Int) throws -> [SeriesEntry] {
        try all(
            TrustSQL.standing,
            {
                $0.integer(host.rawValue)
                $0.text(app)
                $0.integer(through)
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    func firstChecking(of host: HostID, app: String) throws -> Int64? {
        try first(
            TrustSQL.firstChecking,
            {
                $0.integer(host.rawValue)
                $0.text(app)
            }, { $0.integer() })
    }

    func standingSeries(in batch: BatchID, after: TaskID?, limit: Int) throws -> [SeriesEntry] {
        try all(
            TrustSQL.ofBatch,
            {
                $0.integer(max(batch.rawValue << 42, after.map { $0.rawValue + 1 } ?? 0))
                $0.integer(batch.rawValue << 42 | (1 << 42 - 1))
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    func readTrust(_ row: inout Row) -> TrustRecord {
        TrustRecord(
            host: HostID(rawValue: row.integer()), app: row.text(), lastSequence: row.integer(), streak: row.integer(),
            evidence: row.real(), evidenceAt: row.time(), passed: row.integer(), failed: row.integer(),
            lastFailedAt: row.optionalInteger().map(Timestamp.init(milliseconds:)))
    }

    private func readEntry(_ row: inout Row) throws -> SeriesEntry {
        let task = TaskID(rawValue: row.integer())
        let host = HostID(rawValue: row.integer())
        let app = row.text()
        let sequence = row.integer()
        guard let state = SeriesEntry.State(rawValue: row.int()) else {
            throw StoreError.corrupt("series entry for task \(task): unknown state")
        }
        return SeriesEntry(task: task, host: host, app: app, sequence: sequence, state: state)
    }
}
