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
        state.setClockBack(by: step)
        needsSave = true
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
    }
}

extension ClientState {
    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        habits?.setClockBack(by: step)
        wishes.setClockBack(by: step)
        if let pause = failurePause {
            failurePause?.since = pause.since + step
            failurePause?.until = pause.until + step
        }
        // The server gave so much time, whatever our clock said then.
        for at in tasks.indices {
            tasks[at].offer.deadline = tasks[at].offer.deadline + step
            tasks[at].suspendedSince = tasks[at].suspendedSince.map { $0 + step }
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
