import Domain

/// What this project could compute now, and what it may: the machine is shared with other projects (`ShareBook`).
extension ClientMachine {
    /// For the division of the machine.
    public func demand(now: Timestamp) -> ProjectDemand {
        let mayStart = isComputing && stopping == nil && startsBlockedUntil.map { now >= $0 } ?? true
        // As it will start them: in the order of its plan, and nobody overtakes one for which memory is too short.
        let tasks = state.tasks.filter { task in
            guard task.isReady, task.suspendedSince == nil else { return false }
            return runs[task.id].map(\.isStaying) ?? (mayStart && inputsAreHere(task))
        }
        let plan = RunPlan(tasks.map { planned($0, now) }, cores: max(1, coresNow))
        var needs: [ProjectDemand.Need] = []
        var isShort = false
        for planned in runOrder(plan) {
            guard let task = state[task: planned.id] else { continue }
            let isRunning = runs[task.id] != nil
            if !isRunning { isShort = isShort || shortageObjection(to: task) != nil }
            guard isRunning || !isShort else { continue }
            needs.append(
                ProjectDemand.Need(
                    memoryBytes: task.unit?.memoryBytes ?? 0, isEndangered: planned.isEndangered, isRunning: isRunning))
        }
        func rank(_ need: ProjectDemand.Need) -> Int { (need.isEndangered ? 0 : 2) + (need.isRunning ? 0 : 1) }
        let ranked = needs.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
        var demand = ProjectDemand(
            needs: ranked.map(\.element), running: runs.count, staying: runs.values.count(where: \.isStaying),
            computing: runs.values.count { $0.phase == .computing }, runningMemoryBytes: memoryInUse,
            isHolding: state.tasks.contains { !$0.stage.isOver && $0.suspendedSince == nil },
            mayHaveMore: stopping == nil && mayFetch && call.failures == 0
                && call.noWorkBefore.map { now >= $0 } ?? true)
        demand.largestWorkerBytes = largestWorker?.bytes
        demand.isReleasingMemory = memory.isReleasing(now)
        return demand
    }

    /// As planned; where the machine is shared, endangered tasks come first, since a core may have been lent for them.
    func runOrder(_ plan: RunPlan) -> [PlannedTask] {
        guard grant.isShared else { return plan.order }
        return plan.order.filter(\.isEndangered) + plan.order.filter { !$0.isEndangered }
    }

    /// Whether a task misses its deadline if it must wait much longer; see `PlannedTask.isEndangered`.
    func isEndangered(_ task: HeldTask, now: Timestamp) -> Bool { planned(task, now).isEndangered }

    mutating func take(_ grant: CoreGrant) { self.grant = grant }

    /// A project that is due for less plans as if it were due for so much.
    private static let coresMin = 0.1

    /// Of each of its `cores`, the part of the time that new tasks may count on: others want theirs.
    var offerPart: Double { part(grant.bufferCores) }

    /// The same for tasks that are held: who only may get work takes nothing away from them yet.
    var heldPart: Double { part(grant.heldCores) }

    private func part(_ due: Double) -> Double {
        grant.isShared ? min(1, max(due, Self.coresMin) / Double(cores)) : 1
    }

    /// A worker has ended: with others on the machine, its core is not taken again unasked.
    mutating func giveCoreBack() {
        guard grant.isShared else { return }
        grant.cores = min(grant.cores, runs.values.count(where: \.isStaying))
    }

    /// Workers beyond what was granted write their checkpoints and leave: those first that are in no hurry.
    mutating func leaveCores(_ now: Timestamp, _ out: inout Outbox) {
        let staying = runs.filter(\.value.isStaying).keys
        guard grant.isShared, staying.count > grant.cores else { return }
        let leaving = staying.compactMap { state[task: $0] }.sorted { first, second in
            let (a, b) = (isEndangered(first, now: now), isEndangered(second, now: now))
            return a != b ? b : (first.offer.deadline, first.id) > (second.offer.deadline, second.id)
        }
        for task in leaving.prefix(staying.count - grant.cores) {
            runs[task.id]?.isLeaving = true
            if runs[task.id]?.phase != .starting { out.add(.stopWorker(task.id)) }
        }
    }
}

extension Run {
    /// Whether it was neither asked to leave nor ended.
    var isStaying: Bool { !isLeaving && !isKilled && !isAborted }
}
