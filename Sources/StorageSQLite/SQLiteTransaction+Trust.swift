import Domain
import Storage

private enum TrustSQL {
    static let columns = "host, app, last_sequence, streak, evidence, evidence_ms, passed, failed, last_failed_ms"
    static let one = Query("SELECT \(columns) FROM trust WHERE host = ? AND app = ?")
    static let all = Query("SELECT \(columns) FROM trust ORDER BY host, app")
    static let save = Query(
        """
        INSERT INTO trust (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (host, app) DO UPDATE SET last_sequence = ?3, streak = ?4, evidence = ?5, evidence_ms = ?6,
            passed = ?7, failed = ?8, last_failed_ms = ?9
        """)

    static let entry = "task, host, app, sequence, state"
    static let entryOf = Query("SELECT \(entry) FROM series WHERE task = ?")
    static let atPlace = Query("SELECT 1 FROM series WHERE host = ? AND app = ? AND sequence = ?")
    static let insertEntry = Query("INSERT INTO series (\(entry)) VALUES (?, ?, ?, ?, ?)")
    static let updateEntry = Query("UPDATE series SET state = ?2 WHERE task = ?1")
    static let standing = Query(
        """
        SELECT \(entry) FROM series INDEXED BY series_standing
        WHERE host = ? AND app = ? AND sequence <= ? AND state IN (1, 2) ORDER BY sequence LIMIT ?
        """)
    static let firstChecking = Query(
        """
        SELECT sequence FROM series INDEXED BY series_checking
        WHERE host = ? AND app = ? AND state = 0 ORDER BY sequence LIMIT 1
        """)
    static let ofBatch = Query(
        """
        SELECT \(entry) FROM series INDEXED BY series_open
        WHERE task BETWEEN ? AND ? AND state IN (1, 2) ORDER BY task LIMIT ?
        """)
}

extension SQLiteTransaction {
    func trust(of host: HostID, app: String) throws -> TrustRecord? {
        try connection.first(
            TrustSQL.one,
            {
                $0.integer(host.rawValue)
                $0.text(app)
            }, readTrust)
    }

    func saveTrust(_ record: TrustRecord) throws {
        try StoreRules.check(record)
        try requireHost(record.host)
        try write(TrustSQL.save) {
            $0.integer(record.host.rawValue)
            $0.text(record.app)
            $0.integer(record.lastSequence)
            $0.integer(record.streak)
            $0.real(record.evidence)
            $0.time(record.evidenceAt)
            $0.integer(record.passed)
            $0.integer(record.failed)
            $0.integer(record.lastFailedAt?.milliseconds)
        }
    }

    func trustRecords() throws -> [TrustRecord] { try connection.all(TrustSQL.all, readTrust) }

    func insertSeriesEntry(_ entry: SeriesEntry) throws {
        try StoreRules.check(entry)
        try requireHost(entry.host)
        let isTaken = try connection.first(
            TrustSQL.atPlace,
            {
                $0.integer(entry.host.rawValue)
                $0.text(entry.app)
                $0.integer(entry.sequence)
            }, { _ in true })
        guard try isTaken == nil && seriesEntry(for: entry.task) == nil else {
            throw StoreError.duplicate("series entry for task \(entry.task)")
        }
        aside.withoutSeries.drop(entry.task.unit)
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
        return try connection.first(TrustSQL.entryOf, { $0.integer(task.rawValue) }, readEntry)
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
        try connection.all(
            TrustSQL.standing,
            {
                $0.integer(host.rawValue)
                $0.text(app)
                $0.integer(through)
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    func firstChecking(of host: HostID, app: String) throws -> Int64? {
        try connection.first(
            TrustSQL.firstChecking,
            {
                $0.integer(host.rawValue)
                $0.text(app)
            }, { $0.integer() })
    }

    func standingSeries(in batch: BatchID, after: TaskID?, limit: Int) throws -> [SeriesEntry] {
        try connection.all(
            TrustSQL.ofBatch,
            {
                $0.integer(max(batch.rawValue << 42, after.map { $0.rawValue + 1 } ?? 0))
                $0.integer(batch.rawValue << 42 | (1 << 42 - 1))
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    private func readTrust(_ row: inout Row) -> TrustRecord {
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
