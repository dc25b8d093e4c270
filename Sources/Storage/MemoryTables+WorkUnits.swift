import Domain

extension MemoryTables {
    func insertWorkUnits(_ units: [WorkUnitAggregate]) throws {
        var numbers: Set<WorkUnitID> = []
        for aggregate in units {
            let id = aggregate.unit.id
            try StoreRules.check(aggregate)
            guard try batch(id.batch) != nil else { throw StoreError.missing("batch \(id.batch)") }
            guard self.units[id.rawValue] == nil, numbers.insert(id).inserted else {
                throw StoreError.duplicate("work unit \(id)")
            }
            try requireHolders(of: aggregate)
        }
        for aggregate in units { put(aggregate, at: aggregate.unit.id.rawValue) }
    }

    func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? { units[id.rawValue] }

    func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws {
        let id = aggregate.unit.id
        guard let old = units[id.rawValue] else { throw StoreError.missing("work unit \(id)") }
        try StoreRules.check(aggregate, replacing: old)
        try requireHolders(of: aggregate)
        var saved = aggregate
        saved.unit.revision += 1
        put(saved, at: id.rawValue)
    }

    func removeWorkUnits(of batch: BatchID, limit: Int) throws -> Int {
        let units = try workUnits(of: batch, fromIndex: 0, limit: limit)
        try StoreRules.checkRemoval(of: units)
        for aggregate in units { put(nil, at: aggregate.unit.id.rawValue) }
        return units.count
    }

    func workUnits(of batch: BatchID, fromIndex: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        let first = batch.rawValue << 36 + max(fromIndex, 0)
        return unitOrder.from(first).prefix(max(limit, 0)).prefix { WorkUnitID(rawValue: $0).batch == batch }
            .compactMap { units[$0] }
    }

    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        guard limit > 0 else { return [] }
        var found: [SchedulableTask] = []
        for number in open.unsent.from(after.map { $0.rawValue + 1 } ?? 0) {
            guard let task = try unsentTask(TaskID(rawValue: number), notOf: volunteer) else { continue }
            found.append(task)
            if found.count == limit { break }
        }
        return found
    }

    func unsentNumbers(after: TaskID, skipping: Int, limit: Int) throws -> [TaskID] {
        open.unsent(after: after, skipping: skipping, limit: limit)
    }

    func unsentTask(_ id: TaskID, notOf volunteer: VolunteerID) throws -> SchedulableTask? {
        guard open.unsent.contains(id.rawValue), let aggregate = units[id.unit.rawValue], !aggregate.holds(volunteer)
        else { return nil }
        return SchedulableTask(aggregate.tasks[id.ordinal], of: aggregate.unit)
    }

    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        open.overdue(before: now, limit: limit)
    }

    func sentTasks(of host: HostID) throws -> [SchedulableTask] {
        open.out(at: host).compactMap { task in
            units[task.unit.rawValue].map { SchedulableTask($0.tasks[task.ordinal], of: $0.unit) }
        }
    }

    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID] {
        open.awaiting.values.prefix(max(limit, 0)).map { WorkUnitID(rawValue: $0) }
    }

    func unitsAwaitingValidationCount() throws -> Int { open.awaiting.count }

    /// By counting: this is what the counters of a database are compared with.
    func counts(of batch: BatchID) throws -> BatchCounts {
        var counts = BatchCounts()
        for number in unitOrder.from(batch.rawValue << 36) {
            guard let aggregate = units[number], aggregate.unit.id.batch == batch else { break }
            counts.count(aggregate)
        }
        return counts
    }

    func batchesWithOpenUnits() throws -> [BatchID] { open.batchesWithOpenUnits }

    func activeHostCount(of batch: BatchID) throws -> Int {
        open.activeHostCount(of: batch)
    }

    private func requireHolders(of aggregate: WorkUnitAggregate) throws {
        for task in aggregate.tasks {
            guard let assignment = task.state.assignment else { continue }
            guard try host(assignment.host) != nil else { throw StoreError.missing("host \(assignment.host)") }
            guard try volunteer(assignment.volunteer) != nil else {
                throw StoreError.missing("volunteer \(assignment.volunteer)")
            }
        }
    }

    /// Replaces a unit and keeps the ordered lists in step.
    private func put(_ new: WorkUnitAggregate?, at number: Int64) {
        let old = units[number]
        undo.append { $0.replace($0.units[number], by: old, at: number) }
        replace(old, by: new, at: number)
    }

    private func replace(_ old: WorkUnitAggregate?, by new: WorkUnitAggregate?, at number: Int64) {
        units[number] = new
        if old == nil { unitOrder.insert(number) } else if new == nil { unitOrder.remove(number) }
        open.replace(old, by: new)
    }
}

extension BatchCounts {
    /// Adds one unit with its tasks, or takes it away.
    /// - Parameter by: 1 or -1.
    mutating func count(_ aggregate: WorkUnitAggregate, by: Int64 = 1) {
        switch aggregate.unit.state {
        case .ready: ready += by
        case .active: active += by
        case .comparing: comparing += by
        case .provisional: provisional += by
        case .validated: validated += by
        case .assembled, .purged: assembled += by
        case .failed: failed += by
        case .cancelled: cancelled += by
        }
        for task in aggregate.tasks {
            switch task.state {
            case .sent: tasksOut += by
            case .reported, .decided, .failed: tasksDone += by
            case .unsent, .expired, .aborted, .notNeeded: break
            }
        }
    }
}
