import Domain

/// The results of one host for one app.
struct SeriesKey: Hashable {
    var host: HostID
    var app: String
}

extension MemoryTables {
    func trust(of host: HostID, app: String) throws -> TrustRecord? {
        trustRows[SeriesKey(host: host, app: app)]
    }

    func saveTrust(_ record: TrustRecord) throws {
        try StoreRules.check(record)
        guard try host(record.host) != nil else { throw StoreError.missing("host \(record.host)") }
        set(SeriesKey(host: record.host, app: record.app), of: \.trustRows, to: record)
    }

    func trustRecords() throws -> [TrustRecord] {
        trustRows.values.sorted {
            $0.host == $1.host ? $0.app.utf8.lexicographicallyPrecedes($1.app.utf8) : $0.host < $1.host
        }
    }

    func insertSeriesEntry(_ entry: SeriesEntry) throws {
        try StoreRules.check(entry)
        guard try host(entry.host) != nil else { throw StoreError.missing("host \(entry.host)") }
        let key = SeriesKey(host: entry.host, app: entry.app)
        guard seriesRows[entry.task] == nil, seriesOrder[key]?[entry.sequence] == nil else {
            throw StoreError.duplicate("series entry for task \(entry.task)")
        }
        seriesOrder[key, default: [:]][entry.sequence] = entry.task
        undo.append { $0.seriesOrder[key]?[entry.sequence] = nil }
        put(entry)
    }

    func seriesEntry(for task: TaskID) throws -> SeriesEntry? { seriesRows[task] }

    func updateSeriesEntry(_ entry: SeriesEntry) throws {
        guard let old = seriesRows[entry.task] else { throw StoreError.missing("series entry for task \(entry.task)") }
        try StoreRules.check(entry, replacing: old)
        put(entry)
    }

    func standingSeries(of host: HostID, app: String, through: Int64, limit: Int) throws -> [SeriesEntry] {
        let key = SeriesKey(host: host, app: app)
        let sequences = seriesStanding[key]?.values.prefix { $0 <= through }.prefix(max(limit, 0)) ?? []
        return sequences.compactMap { seriesOrder[key]?[$0].flatMap { seriesRows[$0] } }
    }

    func firstChecking(of host: HostID, app: String) throws -> Int64? {
        seriesChecking[SeriesKey(host: host, app: app)]?.first
    }

    func standingSeries(in batch: BatchID, after: TaskID?, limit: Int) throws -> [SeriesEntry] {
        let first = max(batch.rawValue << 42, after.map { $0.rawValue + 1 } ?? 0)
        return standingTasks.from(first).prefix { $0 >> 42 == batch.rawValue }.prefix(max(limit, 0))
            .compactMap { seriesRows[TaskID(rawValue: $0)] }
    }

    /// Replaces an entry and keeps the ordered lists in step.
    private func put(_ new: SeriesEntry) {
        let old = seriesRows[new.task]
        undo.append { $0.replace(new, by: old) }
        replace(old ?? new, by: new)
    }

    private func replace(_ old: SeriesEntry, by new: SeriesEntry?) {
        let key = SeriesKey(host: old.host, app: old.app)
        seriesRows[old.task] = new
        if new?.state == .checking {
            seriesChecking[key, default: SortedNumbers()].insert(old.sequence)
        } else {
            seriesChecking[key]?.remove(old.sequence)
        }
        if new?.state.isStanding ?? false {
            seriesStanding[key, default: SortedNumbers()].insert(old.sequence)
            standingTasks.insert(old.task.rawValue)
        } else {
            seriesStanding[key]?.remove(old.sequence)
            standingTasks.remove(old.task.rawValue)
        }
    }
}
