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

    func workUnits(of batch: BatchID, fromIndex: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        let first = batch.rawValue << 36 + max(fromIndex, 0)
        return unitOrder.from(first).prefix(max(limit, 0)).prefix { WorkUnitID(rawValue: $0).batch == batch }
            .compactMap { units[$0] }
    }

    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        var found: [SchedulableTask] = []
        for number in unsent.from(after.map { $0.rawValue + 1 } ?? 0) {
            if found.count >= limit { break }
            guard let aggregate = units[number >> 6], !aggregate.holds(volunteer) else { continue }
            found.append(SchedulableTask(aggregate.tasks[Int(number & 63)], of: aggregate.unit))
        }
        return found
    }

    func unsentTasks(
        notOf volunteer: VolunteerID, after: TaskID, among look: Int, limit: Int
    ) throws -> [SchedulableTask] {
        let next = unsent.from(after.rawValue + 1).prefix(max(look, 0))
        return next.lazy.compactMap { number -> SchedulableTask? in
            guard let aggregate = self.units[number >> 6], !aggregate.holds(volunteer) else { return nil }
            return SchedulableTask(aggregate.tasks[Int(number & 63)], of: aggregate.unit)
        }
        .prefix(max(limit, 0)).map { $0 }
    }

    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        let overdue = sent.values.compactMap { number in
            assignment(of: number).map { (deadline: $0.deadline, number: number) }
        }
        .filter { $0.deadline < now }
        .sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        return overdue.prefix(max(limit, 0)).map { TaskID(rawValue: $0.number) }
    }

    func sentTasks(of host: HostID) throws -> [SchedulableTask] {
        sent.values.compactMap { number in
            guard let aggregate = units[number >> 6] else { return nil }
            let task = aggregate.tasks[Int(number & 63)]
            return task.state.assignment?.host == host ? SchedulableTask(task, of: aggregate.unit) : nil
        }
    }

    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID] {
        awaiting.values.prefix(max(limit, 0)).map { WorkUnitID(rawValue: $0) }
    }

    /// By counting: this is what the counters of a database are compared with.
    func counts(of batch: BatchID) throws -> BatchCounts {
        var counts = BatchCounts()
        for number in unitOrder.from(batch.rawValue << 36) {
            guard let aggregate = units[number], aggregate.unit.id.batch == batch else { break }
            counts.count(aggregate)
        }
        return counts
    }

    func activeHostCount(of batch: BatchID) throws -> Int {
        let first = batch.rawValue << 42
        var hosts: Set<HostID> = []
        for number in sent.from(first) {
            guard TaskID(rawValue: number).unit.batch == batch else { break }
            if let assignment = assignment(of: number) { hosts.insert(assignment.host) }
        }
        return hosts.count
    }

    func assignment(of task: Int64) -> Assignment? {
        units[task >> 6]?.tasks[Int(task & 63)].state.assignment
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
        if new?.awaitsValidation ?? false { awaiting.insert(number) } else { awaiting.remove(number) }
        for at in 0..<max(old?.tasks.count ?? 0, new?.tasks.count ?? 0) {
            let task = number << 6 + Int64(at)
            let state = new.flatMap { at < $0.tasks.count ? $0.tasks[at].state : nil }
            if case .unsent? = state { unsent.insert(task) } else { unsent.remove(task) }
            if case .sent? = state { sent.insert(task) } else { sent.remove(task) }
        }
    }
}

extension BatchCounts {
    /// Adds one unit with its tasks.
    mutating func count(_ aggregate: WorkUnitAggregate) {
        switch aggregate.unit.state {
        case .ready: ready += 1
        case .active: active += 1
        case .comparing: comparing += 1
        case .provisional: provisional += 1
        case .validated: validated += 1
        case .assembled, .purged: assembled += 1
        case .failed: failed += 1
        case .cancelled: cancelled += 1
        }
        for task in aggregate.tasks {
            switch task.state {
            case .sent: tasksOut += 1
            case .reported, .decided, .failed: tasksDone += 1
            case .unsent, .expired, .aborted, .notNeeded: break
            }
        }
    }
}
