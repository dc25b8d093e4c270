import Domain
import Storage

private enum QueueSQL {
    static let open = Query(
        "SELECT id, state, host, deadline_ms FROM task WHERE state IN (0, 1) ORDER BY id")
    static let awaiting = Query(
        "SELECT id FROM work_unit WHERE awaiting = 1 ORDER BY id")
    static let unitCounts = Query("SELECT state, n FROM unit_count WHERE batch = $1")
    static let unfinished = Query(
        "SELECT DISTINCT batch FROM unit_count WHERE state IN (0, 1, 2, 8) AND n > 0 ORDER BY batch")
    static let taskCounts = Query("SELECT state, n FROM task_count WHERE batch = $1")
}

extension PostgresTransaction {
    /// What is open, from the database alone.
    func readOpenWork() throws -> OpenWork {
        var unsent: [Int64] = []
        var out: [(TaskID, HostID, Timestamp)] = []
        _ = try all(QueueSQL.open, { _ in }) { row in
            let (id, state) = (row.integer(), row.integer())
            if state == 0 {
                unsent.append(id)
            } else {
                out.append((TaskID(rawValue: id), HostID(rawValue: row.integer()), row.time()))
            }
        }
        var open = OpenWork(unsent: unsent, awaiting: try all(QueueSQL.awaiting, { _ in }) { $0.integer() })
        for (task, host, deadline) in out { open.send(task, to: host, until: deadline) }
        return open
    }

    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        try alive()
        guard limit > 0 else { return [] }
        let wanted = after.map { $0.rawValue + 1 } ?? 0
        var found: [SchedulableTask] = []
        for number in open.unsent.from(wanted) {
            guard let task = try unsentTask(TaskID(rawValue: number), notOf: volunteer) else { continue }
            found.append(task)
            if found.count == limit { break }
        }
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
        try settle()
        var counts = BatchCounts()
        let link = try link()
        try link.send(QueueSQL.unitCounts) { $0.integer(batch.rawValue) }
        try link.send(QueueSQL.taskCounts) { $0.integer(batch.rawValue) }
        let answers = try link.exchange(keeping: 2)
        for (state, count) in answers[0].all({ ($0.integer(), $0.integer()) }) {
            switch state {
            case 0: counts.ready = count
            case 1: counts.active = count
            case 2: counts.comparing = count
            case 3: counts.validated = count
            case 4, 5: counts.assembled += count
            case 6: counts.failed = count
            case 8: counts.provisional = count
            default: counts.cancelled = count
            }
        }
        for (state, count) in answers[1].all({ ($0.integer(), $0.integer()) }) {
            switch state {
            case 1: counts.tasksOut = count
            case 2, 3, 4: counts.tasksDone += count
            default: break
            }
        }
        return counts
    }

    func batchesWithOpenUnits() throws -> [BatchID] {
        try settle()
        return try all(QueueSQL.unfinished, { _ in }) { BatchID(rawValue: $0.integer()) }
    }

    func activeHostCount(of batch: BatchID) throws -> Int {
        try alive()
        return open.activeHostCount(of: batch)
    }
}
