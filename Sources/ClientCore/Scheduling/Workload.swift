import Domain
import Engine

/// What the client holds, in the terms of scheduling.
extension ClientMachine {
    /// Nothing was heard for longer: the machine slept.
    private static let sleepSeconds = 300.0
    /// Habits are saved so often, when nothing else is.
    private static let habitsSaveSeconds = 900.0

    /// At a start: the time since the last save counts as not computing.
    mutating func startHabits(_ now: Timestamp) {
        note(now, isComputing: false)
        needsSave = true
    }

    mutating func noteHabits(_ now: Timestamp) {
        guard let noted = state.habits?.notedUntil else { return note(now, isComputing: false) }
        let seconds = (now - noted).seconds
        guard seconds >= 1 else { return }
        note(now, isComputing: isComputing && seconds <= Self.sleepSeconds)
        if (now - habitsSavedAt).seconds >= Self.habitsSaveSeconds { needsSave = true }
    }

    private mutating func note(_ now: Timestamp, isComputing: Bool) {
        // Taken out and put back, so that its arrays are not copied.
        var habits = state.habits ?? Habits()
        state.habits = nil
        habits.note(until: now, isComputing: isComputing)
        outlook = habits.outlook(always: settings.idle.always)
        state.habits = habits
        state.availability = outlook.share
    }

    /// Seconds of computing that a task still needs on one core: the server's estimate, corrected by the speed that was
    /// measured for its app; the further it is, the more its own pace counts.
    func remainingSeconds(_ task: HeldTask) -> Double {
        let whole = wholeSeconds(task)
        guard let fraction = task.fraction, fraction > 0 else { return whole }
        let left = max(0, 1 - fraction)
        let byPace = task.used.cpuSeconds > 0 ? task.used.cpuSeconds / fraction * left : whole * left
        return fraction * byPace + (1 - fraction) * whole * left
    }

    private func wholeSeconds(_ task: HeldTask) -> Double {
        guard let app = task.unit?.app, let speed = state.measuredFlopsPerSecond[app], speed > 0, task.offer.flops > 0
        else { return task.offer.estimatedSeconds }
        return min(task.offer.flops / speed, Limits.deadlineSecondsMax)
    }

    /// - Parameter part: of a core's time that it may count on, 0 ... 1; nil: that of held tasks.
    func planned(_ task: HeldTask, _ now: Timestamp, part: Double? = nil) -> PlannedTask {
        PlannedTask(
            id: task.id, seconds: remainingSeconds(task), deadline: task.offer.deadline, outlook, computesFrom(now),
            isInStretch: isComputing, part: part ?? heldPart, isRunning: runs[task.id] != nil,
            arrival: task.arrival ?? 0)
    }

    /// Held tasks that are to be computed. What rests by the user's wish is not counted as work.
    func plannedTasks(_ now: Timestamp, part: Double? = nil) -> [PlannedTask] {
        state.tasks.indices.compactMap { place in
            let task = state.tasks[place]
            return task.stage.isOver || task.suspendedSince != nil ? nil : planned(task, now, part: part)
        }
    }

    /// Seconds of work at each core.
    func loads(_ tasks: [PlannedTask]) -> CoreLoads {
        CoreLoads(RunPlan(tasks, cores: cores).order, cores: cores)
    }

    /// How much this host holds. A single round is one task for each core. Where a core is shared, so is its buffer.
    var buffer: WorkBuffer {
        WorkBuffer(
            highSeconds: settings.once ? 0 : settings.bufferSeconds * offerPart,
            tasksMax: cores * settings.heldTasksPerCoreMax)
    }

    /// Whether the project may be asked for work; `holds` says why not.
    var mayFetch: Bool {
        (isComputing || isOnlyWaiting) && state.wishes.finishingSince == nil && state.wishes.noNewWorkSince == nil
            && state.failurePause.map { lastSeen >= $0.until } ?? true && !(settings.once && roundIsGiven)
            && closesAt.map { lastSeen < $0 } ?? true
    }

    /// Tasks that would not be done in time go back early, so that others have time for them.
    mutating func giveBackLate(_ now: Timestamp, _ out: inout Outbox) {
        while true {
            let plan = RunPlan(plannedTasks(now), cores: cores)
            guard let (task, end) = plan.lastHopeless(where: mayGiveBack) else { return }
            giveBack(task.id, Intake.Decline.tooLong(seconds: end, dueSeconds: task.dueSeconds).reason, &out)
            // A worker must end first; its task is no longer counted from then on.
            if runs[task.id] != nil { return }
        }
    }

    private func mayGiveBack(_ id: TaskID) -> Bool {
        guard let task = state[task: id], runs[id]?.givenBack == nil else { return false }
        // A worker that has not said how far it is may be nearly done.
        guard let fraction = task.fraction else { return runs[id] == nil && !task.isBegun }
        return fraction < RunPlan.keptFraction
    }

    /// The server is told that this host will not compute it; no failure of the host.
    mutating func giveBack(_ id: TaskID, _ why: String, _ out: inout Outbox) {
        guard let run = runs[id] else { return fail(id, .givenBack, why, &out, countsAgainstHost: false) }
        guard !run.isKilled, run.givenBack == nil else { return }
        runs[id]?.givenBack = why
        guard run.phase != .starting else { return }
        runs[id]?.isKilled = true
        out.add(.killWorker(id))
    }
}

extension Habits {
    /// The habits of a host whose client has kept one figure for them; nothing is known with 0.
    init(availability: Double) {
        self.init()
        guard availability.isFinite, availability > 0 else { return }
        take(share: min(1, availability))
    }
}
