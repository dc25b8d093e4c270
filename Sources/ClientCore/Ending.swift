import Domain
import Engine

/// How runs and tasks end.
extension ClientMachine {
    mutating func take(
        _ ending: WorkerEnding, of id: TaskID, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        guard let run = runs.removeValue(forKey: id) else { return }
        giveCoreBack()
        state.totals.workerCPUSeconds += ending.cpuSeconds
        guard let task = state[task: id] else { return }
        if let progress = ending.progress {
            var changed = task
            changed.used = progress.used
            changed.fraction = progress.fraction
            state[task: id] = changed
            restarts[id]?.note(fraction: progress.fraction)
        }
        if run.isAborted {
            forget(id, &out)
        } else if let why = run.overLimit {
            fail(id, .overLimit, why, &out)
        } else if let why = run.givenBack, ending.code != 0 {
            fail(id, .givenBack, why, &out, countsAgainstHost: false)
        } else if ending.code == 0 {
            if let result = ending.result {
                settle(id, result: result, &out)
            } else {
                fail(id, .workerFailed, "the worker ended without a result", &out)
            }
        } else {
            judge(ending, run, id, now, random, &out)
        }
    }

    private mutating func judge(
        _ ending: WorkerEnding, _ run: Run, _ id: TaskID, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        let words = ending.lastWords.isEmpty ? ending.reason : "\(ending.reason): \(ending.lastWords)"
        switch ending.code {
        case FaultKind.badData.rawValue?: fail(id, .badWorkUnit, words, &out)
        case FaultKind.noInput.rawValue?: refetchInputs(of: id, words, &out)
        case FaultKind.osError.rawValue?: fail(id, .overLimit, words, &out)
        case FaultKind.configuration.rawValue?: fail(id, .unknownApp, words, &out)
        case FaultKind.cannotWrite.rawValue?:
            out.say("task \(id) waits: \(words)")
            blockStarts(words, now, random)
        case FaultKind.interrupted.rawValue?:
            // Asked for, or the machine is being shut down; the checkpoint is on disk.
            guard !run.isLeaving else { break }
            out.say("task \(id) stopped: \(words)")
            blockStarts(words, now, random)
        // A worker that is asked to leave before it listens is ended by the signal itself.
        case nil where run.isKilled || run.isLeaving: break
        case nil where restarts[id, default: Restarts()].signals < Self.restartsMax:
            // Somebody else's signal, for example the kernel's when memory ran out: the checkpoint is still good.
            restarts[id, default: Restarts()].take(signalAt: state[task: id]?.fraction ?? 0)
            out.say("task \(id) is begun again from its checkpoint: \(words)")
        default: fail(id, .workerFailed, words, &out)
        }
    }

    /// A damaged file of the cache is fetched once more; then the task fails.
    private mutating func refetchInputs(of id: TaskID, _ why: String, _ out: inout Outbox) {
        guard restarts[id]?.isRefetched != true, let inputs = state[task: id]?.unit?.blobs else {
            fail(id, .badInput, why, &out)
            return
        }
        restarts[id, default: Restarts()].isRefetched = true
        out.say("the inputs of task \(id) are fetched anew: \(why)")
        for input in inputs where blobs[input.digest] == .present {
            // Other tasks may read the file at this moment; a removed name does not disturb them.
            blobs[input.digest] = nil
            out.add(.dropBlob(input.digest))
        }
    }

    /// The task has a result: from now on it is kept until a receipt.
    mutating func settle(_ id: TaskID, result: ResultSummary, _ out: inout Outbox) {
        guard let task = state[task: id], let unit = task.unit else { return }
        guard result.bytes <= unit.outputBytesMax else {
            fail(id, .overLimit, "a result of \(result.bytes) bytes; the work unit allows \(unit.outputBytesMax)", &out)
            return
        }
        update(id) { $0.stage = .finished(result) }
        state.failuresInRow = 0
        state.failurePause = nil
        if task.used.cpuSeconds > 1, task.offer.flops > 0 {
            let speed = task.offer.flops / task.used.cpuSeconds
            let old = state.measuredFlopsPerSecond[unit.app]
            state.measuredFlopsPerSecond[unit.app] = old.map { $0 + 0.3 * (speed - $0) } ?? speed
        }
        out.say("task \(id) (\(unit.label)) is finished")
    }

    /// The task has no result; the server will be told.
    mutating func fail(
        _ id: TaskID, _ code: TaskErrorCode, _ message: String, _ out: inout Outbox, countsAgainstHost: Bool = true
    ) {
        guard let task = state[task: id], !task.stage.isOver else { return }
        let cut = PrintableText.clean(String(decoding: message.utf8.prefix(Limits.messageBytesMax / 2), as: UTF8.self))
        update(id) { $0.stage = .failed(code: code, message: cut) }
        if countsAgainstHost {
            state.failuresInRow += 1
            pauseAfterFailures(cut)
        }
        problem = "task \(id): \(cut)"
        out.say("task \(id) failed: \(cut)")
    }

    /// The disk did not keep a finished result: what is left of it is of no use, and the server must not wait for it.
    mutating func resultDamaged(_ id: TaskID, _ out: inout Outbox) {
        guard case .finished(let result)? = state[task: id]?.stage, !result.uploaded else { return }
        uploads[id] = nil
        update(id) { $0.stage = .ready }
        fail(id, .workerFailed, "the result file was damaged on disk", &out)
    }

    /// The task leaves this host: out of the state first, out of the disk after that is saved.
    mutating func forget(_ id: TaskID, _ out: inout Outbox) {
        guard let task = state[task: id] else { return }
        state.totals.kernelSeconds += task.used.kernelSeconds
        for input in task.unit?.blobs ?? [] { blobNeededAt[input.digest] = lastSeen }
        state[task: id] = nil
        unitFetches[id] = nil
        uploads[id] = nil
        restarts[id] = nil
        programLooks[id] = nil
        needsSave = true
        out.add(.dropTask(id))
    }
}
