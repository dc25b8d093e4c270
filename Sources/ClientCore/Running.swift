import Domain
import Engine

/// Workers: which tasks run, and when they pause.
extension ClientMachine {
    mutating func pursueRuns(_ now: Timestamp, _ out: inout Outbox) {
        if policy.isComputing { leaveCores(now, &out) }
        let allowed = allowedRuns()
        for task in runs.keys.sorted() {
            if allowed.contains(task) { goOn(task, &out) } else { pause(task, now, &out) }
        }
        guard isComputing else { return }
        tellLimit(&out)
        startMore(now, &out)
    }

    private mutating func goOn(_ task: TaskID, _ out: inout Outbox) {
        guard case .suspended? = runs[task]?.phase, runs[task]?.isKilled == false else { return }
        runs[task]?.phase = .computing
        if runs[task]?.isLeaving == false { out.add(.resumeWorker(task)) }
    }

    private mutating func pause(_ task: TaskID, _ now: Timestamp, _ out: inout Outbox) {
        guard let run = runs[task], !run.isKilled, !run.isLeaving else { return }
        switch run.phase {
        // It pauses as soon as it has a process to pause.
        case .starting: break
        case .computing:
            runs[task]?.phase = .suspended(since: now)
            out.add(.suspendWorker(task))
        case .suspended(let since):
            // The user is here for longer: give the memory back, too.
            if policy.allowance.releasesMemory || isTimeToLeave(since, now) {
                runs[task]?.isLeaving = true
                out.add(.stopWorker(task))
            }
        }
    }

    /// Bytes that the workers' tasks declare. What stands still keeps its memory, too.
    var memoryInUse: Int64 { runs.keys.reduce(Int64(0)) { $0.clampedSum(declaredMemory($1)) } }

    /// Why a task that could run must wait for the memory of others; nil: it need not.
    ///
    /// One may always run; more only while all of them leave a part of the memory to their owner.
    func memoryObjection(to task: HeldTask) -> String? {
        if let why = shortageObjection(to: task) { return why }
        let inUse = memoryInUse.clampedSum(grant.othersMemoryBytes)
        guard let share = policy.allowance.memoryBytes, let needed = task.unit?.heldMemoryBytes,
            !runs.isEmpty || inUse > 0
        else { return nil }
        guard needed > share - min(inUse, share) else { return nil }
        return "waits for memory: it needs \(needed >> 20) MiB, others hold \(inUse >> 20) of \(share >> 20)"
    }

    /// Starts what the plan wants to run. With all cores busy the plan is made once a minute: it may want a task to
    /// make room for one that would miss its deadline.
    private mutating func startMore(_ now: Timestamp, _ out: inout Outbox) {
        if let startsBlockedUntil, now < startsBlockedUntil { return }
        // Runs that stand still, since the user is back and shares the machine, keep their places.
        var free = coresNow - runs.count
        let mayMakeRoom = free == 0 && isLookDue(now)
        guard free > 0 || mayMakeRoom else { return }
        let runnable = state.tasks.filter {
            runs[$0.id] != nil || $0.stage == .ready && $0.suspendedSince == nil && inputsAreHere($0)
        }
        guard runnable.count > runs.count else { return }
        let plan = RunPlan(runnable.map { planned($0, now) }, cores: max(1, coresNow))
        if mayMakeRoom { makeRoom(plan, &out) }
        for planned in runOrder(plan).prefix(coresNow) where runs[planned.id] == nil {
            // Nobody overtakes the one that waits for memory, or small tasks could keep a large one waiting for ever.
            guard free > 0, let task = state[task: planned.id], memoryObjection(to: task) == nil else { return }
            free -= 1
            runs[task.id] = Run(startedAt: now)
            out.add(.startWorker(task.id))
        }
    }

    /// Whether it is time to look through all tasks with their deadlines: once a minute.
    func isLookDue(_ now: Timestamp) -> Bool { (now - lastLook).seconds >= 60 }

    /// Tasks that the plan does not want to run make room for urgent ones; their checkpoints keep what they have.
    private mutating func makeRoom(_ plan: RunPlan, _ out: inout Outbox) {
        let wanted = plan.order.prefix(coresNow)
        let waiting = wanted.filter { plan.urgent.contains($0.id) && !$0.isRunning }.count
        let leaving = runs.values.filter { $0.isLeaving || $0.isKilled }.count
        let chosen = Set(wanted.map(\.id))
        let others = plan.order.filter { $0.isRunning && !chosen.contains($0.id) && runs[$0.id]?.isLeaving == false }
        for task in others.suffix(max(0, waiting - leaving)) {
            out.say("task \(task.id) makes room for one whose deadline is near")
            leaveCore(task.id, &out)
        }
    }

    mutating func workerStarted(_ task: TaskID, _ now: Timestamp, _ out: inout Outbox) {
        guard let run = runs[task], run.phase == .starting else { return }
        runs[task]?.phase = .computing
        if run.isAborted || run.givenBack != nil {
            runs[task]?.isKilled = true
            out.add(.killWorker(task))
        } else if run.isLeaving {
            out.add(.stopWorker(task))
        }
    }

    mutating func workerNotStarted(
        _ task: TaskID, _ why: String, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        noRun(task, &out)
        blockStarts(why, now, random)
    }

    /// Whether a start that has not begun should still begin: the user may be back, the client may be leaving.
    public func isStartWanted(_ task: TaskID) -> Bool {
        guard let run = runs[task], run.phase == .starting, stopping == nil, isComputing else { return false }
        return !run.isLeaving && !run.isAborted && run.givenBack == nil
    }

    mutating func startWithdrawn(_ task: TaskID, _ out: inout Outbox) {
        guard runs[task]?.phase == .starting else { return }
        noRun(task, &out)
    }

    /// A worker that was to start will not: its task is as before, or goes where it was to go.
    private mutating func noRun(_ task: TaskID, _ out: inout Outbox) {
        guard let run = runs.removeValue(forKey: task) else { return }
        if run.isAborted {
            forget(task, &out)
        } else if let why = run.givenBack {
            giveBack(task, why, &out)
        }
    }

    /// The host cannot run workers now: nobody's task is to blame, so all wait.
    func startDelay(_ random: Double) -> Double {
        BackOff(minimumSeconds: 5, maximumSeconds: 600).delaySeconds(failures: startFailures, random: random)
    }

    mutating func blockStarts(_ why: String, _ now: Timestamp, _ random: Double) {
        problem = why
        startsBlockedWhy = why
        startFailures += 1
        startsBlockedUntil = now + TimeSpan(seconds: startDelay(random))
    }

    mutating func take(_ progress: WorkerProgress, of task: TaskID, _ out: inout Outbox) {
        guard let run = runs[task], let held = state[task: task] else { return }
        runs[task]?.progress = progress
        startFailures = 0
        // Not worth a save of its own: after a crash the worker's files say it again.
        var changed = held
        changed.used = progress.used
        changed.fraction = progress.fraction
        state[task: task] = changed
        restarts[task]?.note(fraction: progress.fraction)
        guard !run.isKilled, let bound = cpuSecondsBound(held) else { return }
        if progress.used.cpuSeconds > bound {
            let text = "\(Int(progress.used.cpuSeconds)) CPU seconds used; the bound on this host is \(Int(bound))"
            killForBound(task, text, &out)
        }
    }

    mutating func diskBoundPassed(_ task: TaskID, _ bytes: Int64, _ out: inout Outbox) {
        guard let bound = state[task: task]?.unit?.diskBytes, runs[task]?.isKilled == false else { return }
        killForBound(task, "\(bytes) bytes of disk used; the work unit allows \(bound)", &out)
    }

    private mutating func killForBound(_ task: TaskID, _ text: String, _ out: inout Outbox) {
        runs[task]?.overLimit = text
        runs[task]?.isKilled = true
        out.add(.killWorker(task))
    }

    /// CPU seconds after which a task is stopped: its FLOPs bound at this host's speed for the app, or the server's
    /// estimate stretched by the same factor, whichever is longer; never under a minute, since speeds are guesses.
    func cpuSecondsBound(_ task: HeldTask) -> Double? {
        guard let unit = task.unit else { return nil }
        // A benchmark is nearer to the machine's peak than any real app comes.
        let speed =
            state.measuredFlopsPerSecond[unit.app] ?? settings.profile.benchmarkFlopsPerSecond / 4
        let bySpeed = speed > 0 ? unit.flopsBound / speed : 0
        let stretch = task.offer.flops > 0 ? unit.flopsBound / task.offer.flops : 1
        return max(60, bySpeed, task.offer.estimatedSeconds * stretch)
    }

    /// Why a unit can never run here; nil: it can. The scheduler knows this host's memory and disk; a server that sends
    /// such a unit all the same gets it back.
    func neverFits(memoryBytes: Int64, diskBytes: Int64?) -> String? {
        let profile = settings.profile
        if profile.memoryBytes > 0, memoryBytes > profile.memoryBytes {
            return "the unit needs \(memoryBytes >> 20) MiB of memory, this host has \(profile.memoryBytes >> 20)"
        }
        if let diskBytes, profile.diskFreeBytes > 0, diskBytes > profile.diskFreeBytes {
            return "the unit needs \(diskBytes >> 20) MiB of disk, this host has \(profile.diskFreeBytes >> 20)"
        }
        return nil
    }

    /// Tasks that were not begun and are past their deadline go back: computing them would help nobody. So do those
    /// that this machine has too little memory for; an earlier client may have taken them.
    mutating func giveBackHopeless(_ now: Timestamp, _ out: inout Outbox) {
        for place in state.tasks.indices where state.tasks[place].isReady {
            guard let memory = state.tasks[place].unit?.memoryBytes,
                let why = neverFits(memoryBytes: memory, diskBytes: nil)
            else { continue }
            let task = state.tasks[place].id
            if runs[task] == nil { fail(task, .givenBack, why, &out, countsAgainstHost: false) }
        }
        for place in state.tasks.indices where now > state.tasks[place].offer.deadline {
            guard !state.tasks[place].stage.isOver, state.tasks[place].used.cpuSeconds == 0 else { continue }
            let task = state.tasks[place].id
            guard runs[task] == nil else { continue }
            fail(task, .givenBack, "its deadline passed before it was begun", &out, countsAgainstHost: false)
        }
    }
}
