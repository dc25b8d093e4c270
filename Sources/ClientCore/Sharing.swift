import Domain

/// What this project could compute now, and what it may: the machine is shared with other projects (`ShareBook`).
extension ClientMachine {
    /// For the division of the machine.
    public func demand(now: Timestamp) -> ProjectDemand {
        let mayStart = isComputing && stopping == nil && startsBlockedUntil.map { now >= $0 } ?? true
        var needs: [(need: ProjectDemand.Need, task: HeldTask)] = []
        for task in state.tasks where task.isReady && task.suspendedSince == nil {
            let run = runs[task.id]
            let couldRun = run.map(\.isStaying) ?? (mayStart && inputsAreHere(task))
            guard couldRun else { continue }
            needs.append(
                (
                    ProjectDemand.Need(
                        memoryBytes: task.unit?.memoryBytes ?? 0, isEndangered: isEndangered(task, now: now),
                        isRunning: run != nil), task
                ))
        }
        needs.sort { first, second in
            if first.need.isEndangered != second.need.isEndangered { return first.need.isEndangered }
            if first.need.isRunning != second.need.isRunning { return first.need.isRunning }
            return (first.task.offer.deadline, first.task.id) < (second.task.offer.deadline, second.task.id)
        }
        return ProjectDemand(
            needs: needs.map(\.need), running: runs.count, staying: runs.values.count(where: \.isStaying),
            computing: runs.values.count { $0.phase == .computing }, runningMemoryBytes: memoryInUse,
            isHolding: state.tasks.contains { !$0.stage.isOver && $0.suspendedSince == nil },
            mayHaveMore: stopping == nil && mayFetch && call.failures == 0
                && call.noWorkBefore.map { now >= $0 } ?? true)
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
