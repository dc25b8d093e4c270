import Domain

/// The machine's clock was set back: every moment that is kept moves with it, or a wait of seconds would last as many
/// hours as the clock went back, and nothing would be fetched, started or reported meanwhile.
extension ClientMachine {
    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        func moved(_ moment: Timestamp) -> Timestamp { moment + step }
        policy.setClockBack(by: step)
        memory.setClockBack(by: step)
        call.notBefore = call.notBefore.map(moved)
        call.noWorkBefore = call.noWorkBefore.map(moved)
        call.lastContact = call.lastContact.map(moved)
        startsBlockedUntil = startsBlockedUntil.map(moved)
        stopping = stopping.map(moved)
        endsAt = endsAt.map(moved)
        habitsSavedAt = moved(habitsSavedAt)
        lastLook = moved(lastLook)
        state.habits?.setClockBack(by: step)
        state.wishes.setClockBack(by: step)
        if let pause = state.failurePause {
            state.failurePause?.since = moved(pause.since)
            state.failurePause?.until = moved(pause.until)
        }
        lastBusy = moved(lastBusy)
        lastSweep = moved(lastSweep)
        lastBlobNote = moved(lastBlobNote)
        blobNeededAt = blobNeededAt.mapValues(moved)
        unitFetches = unitFetches.mapValues { $0.setBack(by: step) }
        uploads = uploads.mapValues { $0.setBack(by: step) }
        blobs = blobs.mapValues { blob in
            guard case .waiting(let until, let failures) = blob else { return blob }
            return .waiting(until: moved(until), failures: failures)
        }
        runs = runs.mapValues { run in
            var run = run
            run.startedAt = moved(run.startedAt)
            if case .suspended(let since) = run.phase { run.phase = .suspended(since: moved(since)) }
            return run
        }
        // The server gave so much time, whatever our clock said then.
        for task in state.tasks {
            update(task.id) {
                $0.offer.deadline = moved($0.offer.deadline)
                $0.suspendedSince = $0.suspendedSince.map(moved)
            }
        }
    }
}

extension Transfer {
    fileprivate func setBack(by step: TimeSpan) -> Transfer {
        var transfer = self
        transfer.notBefore = notBefore.map { $0 + step }
        return transfer
    }
}

extension IdlePolicy {
    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        overloadSince = overloadSince.map { $0 + step }
        loadBlockedUntil = loadBlockedUntil.map { $0 + step }
        for at in readings.indices { readings[at].at = readings[at].at + step }
        switch mode {
        case .computing(let since): mode = .computing(since: since + step)
        case .paused(var pause):
            pause.since = pause.since + step
            mode = .paused(pause)
        }
    }
}
