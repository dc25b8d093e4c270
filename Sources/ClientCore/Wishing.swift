import Domain
import Engine

/// What the user asks for, and how the client ends by itself.
extension ClientMachine {
    mutating func takeWish(_ event: ClientEvent, _ now: Timestamp, _ out: inout Outbox) {
        needsSave = true
        switch event {
        case .userPaused(let until):
            // The pause began when it began, however often it is prolonged.
            let since = state.wishes.pause?.since ?? now
            state.wishes.pause = UserWishes.Pause(since: since, until: until)
        case .userResumed: state.wishes.pause = nil
        case .finishRequested:
            state.wishes.finishingSince = state.wishes.finishingSince ?? now
        case .finishWithdrawn: state.wishes.finishingSince = nil
        case .newWorkAllowed(let isAllowed):
            state.wishes.noNewWorkSince = isAllowed ? nil : state.wishes.noNewWorkSince ?? now
            // What the server was not asked for need not be waited for.
            if isAllowed { call.noWorkBefore = nil }
        case .taskSuspended(let id): suspend(id, now, &out)
        case .taskResumed(let id):
            guard state[task: id] != nil else { return out.say("there is no task \(id)") }
            update(id) { $0.suspendedSince = nil }
        case .taskAborted(let id, let reason): abortByUser(id, reason, &out)
        case .failuresForgiven:
            state.failuresInRow = 0
            state.failurePause = nil
            call.noWorkBefore = nil
        default: break
        }
    }

    private mutating func suspend(_ id: TaskID, _ now: Timestamp, _ out: inout Outbox) {
        guard let task = state[task: id], !task.stage.isOver else {
            return out.say("there is no task \(id) that could be suspended")
        }
        update(id) { $0.suspendedSince = $0.suspendedSince ?? now }
        leaveCore(id, &out)
    }

    /// The worker writes a checkpoint and makes room for another task.
    mutating func leaveCore(_ id: TaskID, _ out: inout Outbox) {
        guard let run = runs[id], !run.isLeaving, !run.isKilled else { return }
        runs[id]?.isLeaving = true
        if run.phase != .starting { out.add(.stopWorker(id)) }
    }

    private mutating func abortByUser(_ id: TaskID, _ reason: String, _ out: inout Outbox) {
        guard let task = state[task: id], !task.stage.isOver else {
            return out.say("there is no task \(id) that could be given back")
        }
        giveBack(id, reason.isEmpty ? "the user gave it back" : "the user gave it back: \(reason)", &out)
    }

    /// What the wishes demand now.
    mutating func pursueWishes(_ now: Timestamp, _ out: inout Outbox) {
        if let until = state.wishes.pause?.until, now >= until {
            state.wishes.pause = nil
            needsSave = true
            out.say("the pause that the user asked for is over")
        }
        guard state.wishes.finishingSince != nil else { return }
        for task in state.tasks where !task.stage.isOver && !task.isBegun && runs[task.id] == nil {
            giveBack(task.id, "the user lets this client end", &out)
        }
    }

    /// Ends the client when what it was to do is done: the user let it finish, or its single round is over.
    mutating func leaveWhenFinished(_ out: inout Outbox) {
        guard runs.isEmpty, call.inFlight == nil, !exited else { return }
        giveUpRound(&out)
        let isHeld = state.tasks.contains { $0.suspendedSince == nil || $0.stage.isOver }
        guard !isHeld, !exited else { return }
        if state.wishes.finishingSince != nil {
            state.wishes.finishingSince = nil
            out.say("what was begun is finished: leaving")
            leave(&out)
        } else if settings.once, roundIsGiven {
            out.say("the round is over: leaving")
            leave(&out)
        }
    }

    /// A single round waits for its server, but not for ever: a batch system has given it a place that others want.
    private mutating func giveUpRound(_ out: inout Outbox) {
        guard settings.once, let since = call.failingSince else { return }
        let canCompute = state.tasks.contains { $0.isReady && $0.suspendedSince == nil && inputsAreHere($0) }
        let hasFinished = state.tasks.contains { $0.stage.isOver }
        let patience = hasFinished ? settings.onceReportSeconds : settings.onceCallSeconds
        guard !canCompute, (lastSeen - since).seconds >= patience else { return }
        gaveUp = problem ?? "the server does not answer"
        let rest = hasFinished ? "; what is finished is reported at the next run" : ""
        out.say("no answer for \(HoursText.words(patience)): leaving\(rest)")
        leave(&out)
    }

    // MARK: A limited time

    /// When the last part of a limited time begins, in which nothing is computed.
    var closesAt: Timestamp? { endsAt.map { $0 + TimeSpan(seconds: -settings.closingSeconds) } }

    /// Seconds of computing that are left of a limited time; nil: it is not limited.
    func walltimeLeft(_ now: Timestamp) -> Double? { closesAt.map { max(0, ($0 - now).seconds) } }

    /// The time is nearly over: workers write checkpoints, results are reported, and tasks go back if they should.
    mutating func pursueClosing(since: Timestamp, _ now: Timestamp, _ out: inout Outbox) {
        stopWorkers(since: since, now, &out)
        if runs.isEmpty, settings.atWalltime == .giveBack {
            for task in state.tasks where !task.stage.isOver { giveBack(task.id, "the time of its job is over", &out) }
        }
        if policy.allowance.mayUseNetwork {
            pursueUploads(now, &out)
            pursueCall(now, &out)
        }
        let isSaid = call.inFlight == nil && state.tasks.allSatisfy { !$0.stage.isOver }
        // The last seconds are the system's, which ends what has not ended.
        let isLate = endsAt.map { (($0 - now).seconds) < min(5, settings.closingSeconds / 2) } ?? false
        guard runs.isEmpty, isSaid || isLate else { return }
        out.say("the time of this client is over: leaving")
        leave(&out)
    }

    /// Told to stop: where the folder goes with the job, what is held goes back to the server first.
    mutating func takeStop(_ now: Timestamp) {
        guard settings.atWalltime == .giveBack else {
            stopping = stopping ?? now
            return
        }
        let end = now + TimeSpan(seconds: settings.closingSeconds)
        endsAt = endsAt.map { min($0, end) } ?? end
    }

    // MARK: Failures

    /// Too many tasks have failed, one after the other: it is likely this host, and it would waste more of them.
    mutating func pauseAfterFailures(_ why: String) {
        guard state.failuresInRow >= Self.failuresInRowMax else { return }
        let beyond = state.failuresInRow - Self.failuresInRowMax + 1
        let wait = Self.failureBackOff.delaySeconds(failures: beyond, random: draw)
        state.failurePause = FailurePause(
            since: state.failurePause?.since ?? lastSeen, until: lastSeen + TimeSpan(seconds: wait),
            failures: state.failuresInRow, reason: why)
        needsSave = true
    }
}
