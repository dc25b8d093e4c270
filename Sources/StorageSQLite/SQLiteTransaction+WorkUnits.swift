import Domain
import Storage

private enum WorkUnitSQL {
    static let batchExists = Query("SELECT 1 FROM batch WHERE id = ?")
    static let present = Query("SELECT id FROM work_unit WHERE id BETWEEN ? AND ?")
    static let paid = Query("SELECT DISTINCT task >> 6 FROM ledger WHERE task BETWEEN ? AND ?")
    static let inSeries = Query("SELECT DISTINCT task >> 6 FROM series WHERE task BETWEEN ? AND ?")
    static let insertUnit = Query(
        """
        INSERT INTO work_unit (\(WorkUnitColumns.unit)) VALUES (\(WorkUnitColumns.marks(WorkUnitColumns.unitCount)))
        """)
    static let insertTask = Query(
        "INSERT INTO task (\(WorkUnitColumns.task)) VALUES (\(WorkUnitColumns.marks(WorkUnitColumns.taskCount)))")
    /// Of a task that nobody has: all else is NULL.
    static let insertBareTask = Query("INSERT INTO task (id, state) VALUES (?, ?)")
    static let units = Query(
        "SELECT \(WorkUnitColumns.unit) FROM work_unit WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?")
    static let tasks = Query("SELECT \(WorkUnitColumns.task) FROM task WHERE id BETWEEN ? AND ? ORDER BY id")
}

extension SQLiteTransaction {
    func insertWorkUnits(_ units: [WorkUnitAggregate]) throws {
        let runs = runs(of: units.map(\.unit.id.rawValue))
        let present = try numbers(WorkUnitSQL.present, in: runs)
        var numbers: Set<WorkUnitID> = []
        var knownBatch: BatchID?
        for aggregate in units {
            let id = aggregate.unit.id
            try StoreRules.check(aggregate)
            if knownBatch != id.batch {
                guard try exists(WorkUnitSQL.batchExists, id.batch.rawValue) else {
                    throw StoreError.missing("batch \(id.batch)")
                }
                knownBatch = id.batch
            }
            guard numbers.insert(id).inserted, !present.contains(id.rawValue) else {
                throw StoreError.duplicate("work unit \(id)")
            }
            try requireHolders(of: aggregate.tasks[...])
        }
        try lookAside(units, runs)
        for aggregate in units {
            try write(WorkUnitSQL.insertUnit) {
                $0.unit(aggregate.unit, awaiting: aggregate.awaitsValidation)
            }
            for task in aggregate.tasks { try insert(task) }
            unitRows.inserted(aggregate.unit.id)
            // It is sent soon.
            unitRows.read(aggregate.unit.id, aggregate)
            replaceOpen(nil, by: aggregate)
            try settleIfLarge()
        }
        if let first = numbers.min() { hints.reopened(at: first.rawValue << 6) }
    }

    /// Entries of ledger and series outlive units. That there are none is worth knowing: the first one of a task asks
    /// for others.
    private func lookAside(_ units: [WorkUnitAggregate], _ runs: [ClosedRange<Int64>]) throws {
        let tasks = runs.map { $0.lowerBound << 6...$0.upperBound << 6 | 63 }
        let (paid, inSeries) = (try numbers(WorkUnitSQL.paid, in: tasks), try numbers(WorkUnitSQL.inSeries, in: tasks))
        for id in units.map(\.unit.id) {
            if !paid.contains(id.rawValue) { aside.entries.keep(id, []) }
            if !inSeries.contains(id.rawValue) { aside.withoutSeries.keep(id, true) }
        }
    }

    /// Numbers without gaps between them: a piece of the splitter is one run.
    private func runs(of numbers: [Int64]) -> [ClosedRange<Int64>] {
        var runs: [ClosedRange<Int64>] = []
        for number in numbers.sorted() {
            if let last = runs.last, number &- 1 <= last.upperBound {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs
    }

    private func numbers(_ query: Query, in runs: [ClosedRange<Int64>]) throws -> Set<Int64> {
        var found: Set<Int64> = []
        for run in runs {
            found.formUnion(
                try connection.all(
                    query,
                    {
                        $0.integer(run.lowerBound)
                        $0.integer(run.upperBound)
                    }, { $0.integer() }))
        }
        return found
    }

    func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? {
        try alive()
        if let known = unitRows.row(id) { return known }
        let found = try storedUnit(id)
        if let found { unitRows.read(id, found) }
        return found
    }

    /// As the database has it.
    func storedUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? {
        try aggregates(from: id.rawValue, to: id.rawValue, limit: 1).first
    }

    func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws {
        let id = aggregate.unit.id
        guard let old = try workUnit(id) else { throw StoreError.missing("work unit \(id)") }
        try StoreRules.check(aggregate, replacing: old)
        for at in aggregate.tasks.indices where at >= old.tasks.count || old.tasks[at] != aggregate.tasks[at] {
            try requireHolders(of: aggregate.tasks[at...at])
        }
        if opens(old, becoming: aggregate) { hints.reopened(at: id.rawValue << 6) }
        var saved = aggregate
        saved.unit.revision += 1
        unitRows.change(id, to: saved, from: old)
        replaceOpen(old, by: saved)
        try settleIfLarge()
    }

    /// Writes units with those of their tasks that are not as the database has them.
    func writeUnits(
        _ changes: [(key: WorkUnitID, row: WorkUnitAggregate, stored: RowCache<WorkUnitID, WorkUnitAggregate>.Stored)]
    ) throws {
        for (id, aggregate, stored) in changes {
            let old: WorkUnitAggregate
            switch stored {
            case .known(let known): old = known
            case .unknown:
                guard let found = try storedUnit(id) else {
                    throw connection.lose(.corrupt("work unit \(id) is gone"))
                }
                old = found
            }
            if old.unit != aggregate.unit {
                let parts = UnitParts(changedFrom: old.unit.state, to: aggregate.unit.state)
                try write(parts.update) { $0.unit(aggregate, parts) }
            }
            for (at, task) in aggregate.tasks.enumerated() {
                if at >= old.tasks.count {
                    try insert(task)
                } else if old.tasks[at] != task {
                    let parts = TaskParts(changedFrom: old.tasks[at].state, to: task.state)
                    try write(parts.update) { $0.task(task, parts) }
                }
            }
        }
    }

    private func insert(_ task: TaskRecord) throws {
        if TaskParts(changedFrom: .unsent, to: task.state).isEmpty {
            try write(WorkUnitSQL.insertBareTask) { $0.task(task, []) }
        } else {
            try write(WorkUnitSQL.insertTask) { $0.task(task) }
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
        try connection.first(query, { $0.integer(number) }, { _ in true }) ?? false
    }

    /// Whether a task becomes unsent, or a volunteer stops holding one: then hints about this unit are void.
    private func opens(_ old: WorkUnitAggregate, becoming new: WorkUnitAggregate) -> Bool {
        for (at, task) in new.tasks.enumerated() {
            let before = at < old.tasks.count ? old.tasks[at].state : nil
            if task.state == .unsent, before != .unsent { return true }
            if let holder = before?.assignment?.volunteer, task.state.assignment?.volunteer != holder { return true }
        }
        return false
    }

    /// Units in a range of numbers with their tasks: two queries for any number of them.
    private func aggregates(from first: Int64, to last: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        let units = try connection.all(
            WorkUnitSQL.units,
            {
                $0.integer(first)
                $0.integer(last)
                $0.integer(max(limit, 0))
            }, { try $0.unit() })
        guard let lowest = units.first?.id.rawValue, let highest = units.last?.id.rawValue else { return [] }
        let tasks = try connection.all(
            WorkUnitSQL.tasks,
            {
                $0.integer(lowest << 6)
                $0.integer(highest << 6 | 63)
            }, { try $0.task() })
        var at = 0
        return units.map { unit in
            let start = at
            while at < tasks.count, tasks[at].id.unit == unit.id { at += 1 }
            return WorkUnitAggregate(unit: unit, tasks: Array(tasks[start..<at]))
        }
    }
}
