import Domain
import Storage

private enum QueueSQL {
    static let open = Query(
        "SELECT id, state, host, deadline_ms FROM task INDEXED BY task_open WHERE state IN (0, 1) ORDER BY id")
    static let awaiting = Query(
        "SELECT id FROM work_unit INDEXED BY work_unit_awaiting WHERE awaiting = 1 ORDER BY id")
    static let countColumns =
        "batch, ready, active, comparing, provisional, validated, assembled, failed, cancelled, tasks_out, tasks_done"
    static let counts = Query("SELECT \(countColumns) FROM batch_count")
    static let saveCounts = Query(
        "INSERT OR REPLACE INTO batch_count (\(countColumns)) VALUES (\(WorkUnitColumns.marks(11)))")
}

extension SQLiteTransaction {
    /// What is open, from the database alone.
    func readOpenWork() throws -> OpenWork {
        var unsent: [Int64] = []
        var out: [(TaskID, HostID, Timestamp)] = []
        _ = try connection.all(QueueSQL.open) { row in
            let (id, state) = (row.integer(), row.integer())
            if state == 0 {
                unsent.append(id)
            } else {
                out.append((TaskID(rawValue: id), HostID(rawValue: row.integer()), row.time()))
            }
        }
        var open = OpenWork(
            unsent: unsent, awaiting: try connection.all(QueueSQL.awaiting) { $0.integer() }, counts: try counts())
        for (task, host, deadline) in out { open.send(task, to: host, until: deadline) }
        return open
    }

    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        try alive()
        guard limit > 0 else { return [] }
        let wanted = after.map { $0.rawValue + 1 } ?? 0
        let hint = hints.start(for: volunteer)
        var found: [SchedulableTask] = []
        for number in open.unsent.from(max(wanted, hint)) {
            guard let task = try unsentTask(TaskID(rawValue: number), notOf: volunteer) else { continue }
            found.append(task)
            if found.count == limit { break }
        }
        if wanted <= hint { hints.found(found.first?.id.rawValue, for: volunteer) }
        return found
    }

    func unsentNumbers(after: TaskID, skipping: Int, limit: Int) throws -> [TaskID] {
        try alive()
        return open.unsent(after: after, skipping: skipping, limit: limit)
    }

    func unsentTask(_ id: TaskID, notOf volunteer: VolunteerID) throws -> SchedulableTask? {
        try alive()
        guard open.unsent.contains(id.rawValue) else { return nil }
        guard let aggregate = try workUnit(id.unit) else { throw StoreError.corrupt("no unit of task \(id)") }
        if aggregate.holds(volunteer) { return nil }
        return SchedulableTask(aggregate.tasks[id.ordinal], of: aggregate.unit)
    }

    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        try alive()
        return open.overdue(before: now, limit: limit)
    }

    func sentTasks(of host: HostID) throws -> [SchedulableTask] {
        try alive()
        return try open.out(at: host).map { task in
            guard let aggregate = try workUnit(task.unit) else { throw StoreError.corrupt("no unit of task \(task)") }
            return SchedulableTask(aggregate.tasks[task.ordinal], of: aggregate.unit)
        }
    }

    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID] {
        try alive()
        return open.awaiting.values.prefix(max(limit, 0)).map { WorkUnitID(rawValue: $0) }
    }

    func unitsAwaitingValidationCount() throws -> Int {
        try alive()
        return open.awaiting.count
    }

    func counts(of batch: BatchID) throws -> BatchCounts {
        try alive()
        return open.counts(of: batch)
    }

    func batchesWithOpenUnits() throws -> [BatchID] {
        try alive()
        return open.batchesWithOpenUnits
    }

    func activeHostCount(of batch: BatchID) throws -> Int {
        try alive()
        return open.activeHostCount(of: batch)
    }

    private func counts() throws -> [BatchID: BatchCounts] {
        let rows = try connection.all(QueueSQL.counts) { row in
            let batch = BatchID(rawValue: row.integer())
            var counts = BatchCounts()
            for column in Self.counters { counts[keyPath: column] = row.integer() }
            return (batch, counts)
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// How the batches stand whose units this transaction has changed, also where all of it was undone: what of it was
    /// written meanwhile, nobody remembers.
    func writeCounts() throws {
        for batch in batchesCounted.sorted(by: { $0.rawValue < $1.rawValue }) where try self.batch(batch) != nil {
            let counts = open.counts(of: batch)
            try write(QueueSQL.saveCounts) {
                $0.integer(batch.rawValue)
                for column in Self.counters { $0.integer(counts[keyPath: column]) }
            }
        }
    }

    /// In the order of the columns.
    private static let counters: [any WritableKeyPath<BatchCounts, Int64> & Sendable] = [
        \.ready, \.active, \.comparing, \.provisional, \.validated, \.assembled, \.failed, \.cancelled, \.tasksOut,
        \.tasksDone,
    ]
}
