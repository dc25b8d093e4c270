import Domain
import Storage

enum WorkUnitSQL {
    static let batchExists = Query("SELECT 1::bigint FROM batch WHERE id = $1")
    static let present = Query("SELECT id FROM work_unit WHERE id = ANY ($1::bigint[]) LIMIT 1")
    static let paid = Query(
        """
        SELECT v.unit FROM unnest($1::bigint[]) AS v (unit)
        WHERE EXISTS (SELECT 1 FROM ledger l WHERE l.task BETWEEN v.unit << 6 AND v.unit << 6 | 63)
        """)
    static let inSeries = Query(
        """
        SELECT v.unit FROM unnest($1::bigint[]) AS v (unit)
        WHERE EXISTS (SELECT 1 FROM series s WHERE s.task BETWEEN v.unit << 6 AND v.unit << 6 | 63)
        """)
    static let insertUnits = WorkUnitColumns.unit.insert(into: "work_unit")
    static let updateUnits = Columns("id revision state canonical failure failure_text:t awaiting updated_ms")
        .update("work_unit")
    static let insertTasks = WorkUnitColumns.task.insert(into: "task")
    static let updateTasks = WorkUnitColumns.task.update("task")
    static let sendTasks = Columns("id host volunteer sent_ms deadline_ms").update("task", plus: ", state = 1")
    static let units = Query(
        "SELECT \(WorkUnitColumns.unit.list) FROM work_unit WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3")
    static let tasks = Query("SELECT \(WorkUnitColumns.task.list) FROM task WHERE id BETWEEN $1 AND $2 ORDER BY id")
    static let someUnits = Query(
        "SELECT \(WorkUnitColumns.unit.list) FROM work_unit WHERE id = ANY ($1::bigint[]) ORDER BY id")
    static let someTasks = Query(
        """
        SELECT \(WorkUnitColumns.task.names.map { "t.\($0)" }.joined(separator: ", "))
        FROM unnest($1::bigint[]) AS v (unit) JOIN task t ON t.id BETWEEN v.unit << 6 AND v.unit << 6 | 63 ORDER BY t.id
        """)
}

extension PostgresTransaction {
    func insertWorkUnits(_ units: [WorkUnitAggregate]) throws {
        var numbers: Set<WorkUnitID> = []
        var batches: Set<BatchID> = []
        for aggregate in units {
            let id = aggregate.unit.id
            try StoreRules.check(aggregate)
            if batches.insert(id.batch).inserted {
                guard try exists(WorkUnitSQL.batchExists, id.batch.rawValue) else {
                    throw StoreError.missing("batch \(id.batch)")
                }
            }
            guard numbers.insert(id).inserted else { throw StoreError.duplicate("work unit \(id)") }
            try requireHolders(of: aggregate.tasks[...])
        }
        for part in units.parts { try requireRoom(for: part.map(\.unit.id)) }
        for part in units.parts {
            try write(WorkUnitSQL.insertUnits) { to in
                for aggregate in part { to.unit(aggregate.unit, awaiting: aggregate.awaitsValidation) }
            }
            try insertTasks(part.flatMap(\.tasks))
            for aggregate in part {
                unitRows.inserted(aggregate.unit.id)
                unitRows.read(aggregate.unit.id, aggregate)
                replaceOpen(aggregate.unit.id, nil, by: aggregate)
            }
            try settleIfLarge()
        }
    }

    /// Entries of ledger and series outlive units. That there are none is worth knowing: the first one of a task asks
    /// for others.
    private func requireRoom(for ids: [WorkUnitID]) throws {
        let link = try link()
        try link.send(WorkUnitSQL.present) { $0.integers(ids.map(\.rawValue)) }
        try link.send(WorkUnitSQL.paid) { $0.integers(ids.map(\.rawValue)) }
        try link.send(WorkUnitSQL.inSeries) { $0.integers(ids.map(\.rawValue)) }
        let answers = try link.exchange(keeping: 3)
        if let taken = answers[0].first({ WorkUnitID(rawValue: $0.integer()) }) {
            throw StoreError.duplicate("work unit \(taken)")
        }
        let paid = Set(answers[1].all { WorkUnitID(rawValue: $0.integer()) })
        for id in ids where !paid.contains(id) { aside.entries.keep(id, []) }
        let inSeries = Set(answers[2].all { WorkUnitID(rawValue: $0.integer()) })
        for id in ids where !inSeries.contains(id) { aside.withoutSeries.keep(id, true) }
    }

    private func insertTasks(_ tasks: [TaskRecord]) throws {
        for part in tasks.parts {
            try write(WorkUnitSQL.insertTasks) { to in for task in part { to.task(task) } }
        }
    }

    func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? {
        try alive()
        if let known = unitRows.row(id) { return known }
        try readNeighbours(of: id)
        if let read = unitRows.row(id) { return read }
        let found = try storedUnit(id)
        if let found { unitRows.read(id, found) }
        return found
    }

    /// As the database has it.
    func storedUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? {
        try storedUnits([id])[id]
    }

    func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws {
        let id = aggregate.unit.id
        guard let old = try workUnit(id) else { throw StoreError.missing("work unit \(id)") }
        try StoreRules.check(aggregate, replacing: old)
        for (at, task) in aggregate.tasks.enumerated() where at >= old.tasks.count || old.tasks[at] != task {
            try requireHolders(of: aggregate.tasks[at...at])
        }
        var saved = aggregate
        saved.unit.revision += 1
        unitRows.change(id, to: saved, from: old)
        replaceOpen(id, old, by: saved)
        try settleIfLarge()
    }

    /// Writes units with those of their tasks that are not as the database has them.
    func writeUnits(
        _ changes: [(key: WorkUnitID, row: WorkUnitAggregate, stored: RowCache<WorkUnitID, WorkUnitAggregate>.Stored)]
    ) throws {
        if changes.isEmpty { return }
        let unknown = changes.filter { if case .unknown = $0.stored { true } else { false } }.map(\.key)
        let read = try storedUnits(unknown)
        var units: [WorkUnitRecord: Bool] = [:]
        units.reserveCapacity(changes.count)
        var (added, sent, moved): ([TaskRecord], [TaskRecord], [TaskRecord]) = ([], [], [])
        for (id, aggregate, stored) in changes {
            let old: WorkUnitAggregate
            switch stored {
            case .known(let known): old = known
            case .unknown:
                guard let found = read[id] else { throw try link().lose(.corrupt("work unit \(id) is gone")) }
                old = found
            }
            if old.unit != aggregate.unit { units[aggregate.unit] = aggregate.awaitsValidation }
            for (at, task) in aggregate.tasks.enumerated() {
                if at >= old.tasks.count {
                    added.append(task)
                } else if old.tasks[at] != task {
                    if old.tasks[at].state == .unsent, case .sent = task.state {
                        sent.append(task)
                    } else {
                        moved.append(task)
                    }
                }
            }
        }
        for part in Array(units).parts {
            try write(WorkUnitSQL.updateUnits) { to in
                for (unit, awaits) in part {
                    to.integer(unit.id.rawValue)
                    to.integer(unit.revision)
                    to.state(unit.state)
                    to.boolean(awaits)
                    to.time(unit.updatedAt)
                }
            }
        }
        try insertTasks(added)
        for part in moved.parts { try write(WorkUnitSQL.updateTasks) { to in for task in part { to.task(task) } } }
        for part in sent.parts {
            try write(WorkUnitSQL.sendTasks) { to in
                for task in part {
                    guard case .sent(let assignment) = task.state else { continue }
                    to.integer(task.id.rawValue)
                    to.integer(assignment.host.rawValue)
                    to.integer(assignment.volunteer.rawValue)
                    to.time(assignment.sentAt)
                    to.time(assignment.deadline)
                }
            }
        }
    }

    func workUnits(of batch: BatchID, fromIndex: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        try settle()
        let first = batch.rawValue << 36 + max(fromIndex, 0)
        return try aggregates(from: first, to: (batch.rawValue + 1) << 36 - 1, limit: limit)
    }

    func requireHolders(of tasks: ArraySlice<TaskRecord>) throws {
        for task in tasks {
            guard let assignment = task.state.assignment else { continue }
            try requireHost(assignment.host)
            try requireVolunteer(assignment.volunteer)
        }
    }

    private func exists(_ query: Query, _ number: Int64) throws -> Bool {
        try first(query, { $0.integer(number) }, { _ in true }) ?? false
    }

    private func storedUnits(_ ids: [WorkUnitID]) throws -> [WorkUnitID: WorkUnitAggregate] {
        if ids.isEmpty { return [:] }
        let link = try link()
        try link.send(WorkUnitSQL.someUnits) { $0.integers(ids.map(\.rawValue)) }
        try link.send(WorkUnitSQL.someTasks) { $0.integers(ids.map(\.rawValue)) }
        let answers = try link.exchange(keeping: 2)
        let found = joined(try answers[0].all { try $0.unit() }, try answers[1].all { try $0.task() })
        return Dictionary(uniqueKeysWithValues: found.map { ($0.unit.id, $0) })
    }

    /// Units in a range of numbers with their tasks: two queries for any number of them.
    private func aggregates(from first: Int64, to last: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        let units = try all(
            WorkUnitSQL.units,
            {
                $0.integer(first)
                $0.integer(last)
                $0.integer(max(limit, 0))
            }, { try $0.unit() })
        guard let lowest = units.first?.id.rawValue, let highest = units.last?.id.rawValue else { return [] }
        let tasks = try all(
            WorkUnitSQL.tasks,
            {
                $0.integer(lowest << 6)
                $0.integer(highest << 6 | 63)
            }, { try $0.task() })
        return joined(units, tasks)
    }

    /// Both in order of number.
    func joined(_ units: [WorkUnitRecord], _ tasks: [TaskRecord]) -> [WorkUnitAggregate] {
        var at = 0
        return units.map { unit in
            let start = at
            while at < tasks.count, tasks[at].id.unit == unit.id { at += 1 }
            return WorkUnitAggregate(unit: unit, tasks: Array(tasks[start..<at]))
        }
    }
}
