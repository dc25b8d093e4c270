import Domain
import Engine

/// Workers: which tasks run, and when they pause.
extension ClientMachine {
    mutating func pursueRuns(_ now: Timestamp, _ out: inout Outbox) {
        if policy.isComputing {
            for task in runs.keys.sorted() {
                guard case .suspended? = runs[task]?.phase, runs[task]?.isKilled == false else { continue }
                runs[task]?.phase = .computing
                if runs[task]?.isLeaving == false { out.add(.resumeWorker(task)) }
            }
            startMore(now, &out)
        } else {
            for task in runs.keys.sorted() { pause(task, now, &out) }
        }
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
            if (now - since).seconds >= settings.idle.checkpointAfterSeconds {
                runs[task]?.isLeaving = true
                out.add(.stopWorker(task))
            }
        }
    }

    /// Bytes that all tasks together may declare: three quarters of the machine's memory.
    private var memoryShare: Int64 { settings.profile.memoryBytes / 4 * 3 }

    private mutating func startMore(_ now: Timestamp, _ out: inout Outbox) {
        if let startsBlockedUntil, now < startsBlockedUntil { return }
        var free = settings.cores - runs.count
        guard free > 0 else { return }
        // What stands still keeps its memory, too.
        var memory = runs.keys.reduce(Int64(0)) { $0 + (state[task: $1]?.unit?.memoryBytes ?? 0) }
        let ready = state.tasks.filter { $0.stage == .ready && runs[$0.id] == nil && inputsAreHere($0) }
        for task in ready.sorted(by: { ($0.offer.deadline, $0.id) < ($1.offer.deadline, $1.id) }) {
            guard free > 0 else { return }
            let needed = task.unit?.memoryBytes ?? 0
            // One may always run; more only while all of them leave a part of the memory to their owner.
            guard runs.isEmpty || needed <= memoryShare - min(memory, memoryShare) else { continue }
            memory += needed
            free -= 1
            runs[task.id] = Run(startedAt: now)
            out.add(.startWorker(task.id))
        }
    }

    mutating func workerStarted(_ task: TaskID, _ now: Timestamp, _ out: inout Outbox) {
        guard let run = runs[task], run.phase == .starting else { return }
        runs[task]?.phase = .computing
        if run.isAborted {
            runs[task]?.isKilled = true
            out.add(.killWorker(task))
        } else if run.isLeaving {
            out.add(.stopWorker(task))
        }
    }

    mutating func workerNotStarted(
        _ task: TaskID, _ why: String, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        let aborted = runs.removeValue(forKey: task)?.isAborted == true
        if aborted { forget(task, &out) }
        blockStarts(why, now, random)
    }

    /// The host cannot run workers now: nobody's task is to blame, so all wait.
    func startDelay(_ random: Double) -> Double {
        BackOff(minimumSeconds: 5, maximumSeconds: 600).delaySeconds(failures: startFailures, random: random)
    }

    mutating func blockStarts(_ why: String, _ now: Timestamp, _ random: Double) {
        problem = why
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

    /// Tasks that were not begun and are past their deadline go back: computing them would help nobody.
    mutating func giveBackHopeless(_ now: Timestamp, _ out: inout Outbox) {
        for task in state.tasks where !task.stage.isOver && now > task.offer.deadline {
            guard runs[task.id] == nil, task.used.cpuSeconds == 0 else { continue }
            fail(task.id, .givenBack, "its deadline passed before it was begun", &out, countsAgainstHost: false)
        }
    }
}
