import Domain
import Storage

private enum QueueSQL {
    /// The join order is forced (CROSS JOIN, INDEXED BY): the queue is walked in order and ended early, whatever the
    /// planner believes about the sizes of the tables.
    private static let columns = """
        task.id, app, flops, flops_bound, memory_bytes, disk_bytes, output_bytes_max, work_unit.deadline_ms, container,
        container_bytes, work_unit.state <> 0
        """
    static let unsent = Query(
        """
        SELECT \(columns) FROM task INDEXED BY task_unsent CROSS JOIN work_unit ON work_unit.id = task.id >> 6
        WHERE task.state = 0 AND task.id >= ?1
            AND NOT EXISTS (
                SELECT 1 FROM task AS held
                WHERE held.id BETWEEN (task.id >> 6) << 6 AND task.id | 63 AND held.volunteer = ?2
            )
        ORDER BY task.id LIMIT ?3
        """)
    static let unsentAmong = Query(
        """
        SELECT \(columns)
        FROM (SELECT id FROM task INDEXED BY task_unsent WHERE state = 0 AND id >= ?1 ORDER BY id LIMIT ?4) AS next
        CROSS JOIN task ON task.id = next.id CROSS JOIN work_unit ON work_unit.id = task.id >> 6
        WHERE NOT EXISTS (
            SELECT 1 FROM task AS held
            WHERE held.id BETWEEN (task.id >> 6) << 6 AND task.id | 63 AND held.volunteer = ?2
        )
        ORDER BY task.id LIMIT ?3
        """)
    static let sent = Query(
        """
        SELECT \(columns), host, volunteer, sent_ms, task.deadline_ms
        FROM task INDEXED BY task_out CROSS JOIN work_unit ON work_unit.id = task.id >> 6
        WHERE task.state = 1 AND host = ? ORDER BY task.id
        """)
    static let overdue = Query(
        """
        SELECT id FROM task INDEXED BY task_due WHERE state = 1 AND deadline_ms < ? ORDER BY deadline_ms, id LIMIT ?
        """)
    static let awaiting = Query(
        "SELECT id FROM work_unit INDEXED BY work_unit_awaiting WHERE awaiting = 1 ORDER BY id LIMIT ?")
    static let unitCounts = Query("SELECT state, n FROM unit_count WHERE batch = ?")
    static let taskCounts = Query("SELECT state, n FROM task_count WHERE batch = ?")
    /// One step into the index per host, not one per task.
    static let activeHosts = Query(
        """
        SELECT count(*) FROM host WHERE EXISTS (
            SELECT 1 FROM task INDEXED BY task_out
            WHERE task.state = 1 AND task.host = host.id AND task.id BETWEEN ? AND ?
        )
        """)
}

extension SQLiteTransaction {
    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        guard limit > 0 else { return [] }
        let wanted = after.map { $0.rawValue + 1 } ?? 0
        let hint = hints.start(for: volunteer)
        let found = try connection.all(
            QueueSQL.unsent,
            {
                $0.integer(max(wanted, hint))
                $0.integer(volunteer.rawValue)
                $0.integer(limit)
            }, { try $0.schedulable() })
        if wanted <= hint { hints.found(found.first?.id.rawValue, for: volunteer) }
        return found
    }

    func unsentTasks(
        notOf volunteer: VolunteerID, after: TaskID, among look: Int, limit: Int
    ) throws -> [SchedulableTask] {
        guard limit > 0, look > 0 else { return [] }
        return try connection.all(
            QueueSQL.unsentAmong,
            {
                $0.integer(after.rawValue + 1)
                $0.integer(volunteer.rawValue)
                $0.integer(limit)
                $0.integer(look)
            }, { try $0.schedulable() })
    }

    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        try connection.all(
            QueueSQL.overdue,
            {
                $0.time(now)
                $0.integer(max(limit, 0))
            }, { TaskID(rawValue: $0.integer()) })
    }

    func sentTasks(of host: HostID) throws -> [SchedulableTask] {
        try connection.all(QueueSQL.sent, { $0.integer(host.rawValue) }) { row in
            var task = try row.schedulable()
            task.assignment = row.assignment()
            return task
        }
    }

    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID] {
        try connection.all(QueueSQL.awaiting, { $0.integer(max(limit, 0)) }) { WorkUnitID(rawValue: $0.integer()) }
    }

    func counts(of batch: BatchID) throws -> BatchCounts {
        var counts = BatchCounts()
        for (state, count) in try numbers(QueueSQL.unitCounts, of: batch) {
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
        for (state, count) in try numbers(QueueSQL.taskCounts, of: batch) {
            switch state {
            case 1: counts.tasksOut = count
            case 2, 3, 4: counts.tasksDone += count
            default: break
            }
        }
        return counts
    }

    func activeHostCount(of batch: BatchID) throws -> Int {
        try connection.first(
            QueueSQL.activeHosts,
            {
                $0.integer(batch.rawValue << 42)
                $0.integer(batch.rawValue << 42 | (1 << 42 - 1))
            }, { $0.int() }) ?? 0
    }

    private func numbers(_ query: Query, of batch: BatchID) throws -> [(Int64, Int64)] {
        try connection.all(query, { $0.integer(batch.rawValue) }) { ($0.integer(), $0.integer()) }
    }
}

extension Row {
    fileprivate mutating func schedulable() throws -> SchedulableTask {
        SchedulableTask(
            id: TaskID(rawValue: integer()), app: text(), flops: real(), flopsBound: real(), memoryBytes: integer(),
            diskBytes: integer(), outputBytesMax: integer(), deadlineSpan: TimeSpan(milliseconds: integer()),
            container: try digest(), containerBytes: integer(), assignment: nil, isBegun: boolean()
        )
    }
}
