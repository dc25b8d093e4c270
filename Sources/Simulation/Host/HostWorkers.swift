import ClientCore
import Domain

/// Worker children: they take simulated time and leave the bytes of the synthetic app's result.
extension SimHost {
    func startWorker(_ task: TaskID) {
        guard let held = machine.state[task: task] else { return }
        if world.has(.workers), draws.chance(oneIn: 60) {
            plan(.workerNotStarted(task, "no process"), after: 5)
            return
        }
        let before =
            disk.slots[task]?.progress
            ?? WorkerProgress(fraction: 0, used: Usage(), peakMemoryBytes: 0)
        let speed = SimulatedApp.nominalSpeed * traits.speed
        // Runs of the same unit differ by a tenth: other programs, heat, memory.
        let noise = 0.95 + 0.1 * draws.unit()
        let whole = max(1, Int64(held.offer.flops / speed * 1000 * noise))
        runsMade += 1
        var run = SimRun(
            left: max(1, Int64(Double(whole) * (1 - before.fraction))), since: world.now, before: before, whole: whole,
            number: runsMade)
        if !inputsAreOnDisk(held) {
            run.crashCode = FaultKind.noInput.rawValue
            run.left = 10
        } else if world.has(.workers), draws.chance(oneIn: 25) {
            // A signal, or an exit code of its own.
            run.crashes = true
            run.crashCode = draws.chance(oneIn: 2) ? nil : FaultKind.software.rawValue
            run.left = draws.whole(1...max(1, run.left))
        }
        runs[task] = run
        world.note(.worker, who: place, 1, task.rawValue, "starts task \(task)")
        world.plan(.worker(host: place, life: life, task, run: run.number), after: run.left)
        plan(.workerStarted(task), after: 1)
    }

    private func inputsAreOnDisk(_ held: HeldTask) -> Bool {
        disk.slots[held.id]?.unit != nil
            && held.unit?.inputs.allSatisfy { disk.blobs.contains($0.digest) } ?? false
    }

    func plan(_ event: ClientEvent, after wait: Int64) {
        world.plan(.input(host: place, life: life, event), after: wait)
    }

    /// The planned end of a run has come, unless it was stopped or paused since.
    func workerDone(_ task: TaskID, number: Int) {
        guard let run = runs[task], run.number == number, run.since != nil else { return }
        runs[task] = nil
        let progress = run.progress(at: world.now)
        if run.crashes || run.crashCode != nil {
            checkpoint(task, run, lost: 30_000)
            end(task, run, code: run.crashCode, progress, result: nil)
            return
        }
        guard let result = compute(task) else {
            end(task, run, code: FaultKind.badData.rawValue, progress, result: nil)
            return
        }
        disk.slots[task]?.result = result
        disk.slots[task]?.progress = progress
        end(task, run, code: 0, progress, result: SimDisk.summary(result))
    }

    private func compute(_ task: TaskID) -> ResultBytes? {
        guard let slot = disk.slots[task], let container = slot.unit, let offer = slot.offer,
            let unit = try? world.app.facts(of: container, named: offer.unit)
        else { return nil }
        var value = behaviour.value(for: unit, &world.rumours, &draws)
        if world.options.plant == .sharedBug { value = unit.truth ^ 1 }
        if world.rumours.first[unit.id] == nil { world.rumours.first[unit.id] = value }
        return world.app.result(unit, value: value, bytes: world.options.resultBytes)
    }

    private func end(
        _ task: TaskID, _ run: SimRun, code: Int32?, _ progress: WorkerProgress, result: ResultSummary?
    ) {
        world.note(.worker, who: place, 2, task.rawValue, "task \(task) ends with \(code.map(String.init) ?? "signal")")
        if result != nil { world.see(.finished(host: place, task)) }
        let ending = WorkerEnding(
            code: code, reason: code.map { "exit code \($0)" } ?? "signal 9", lastWords: "",
            cpuSeconds: Double(run.ran(at: world.now)) / 1000, progress: progress, result: result)
        plan(.workerEnded(task, ending), after: 1)
        if world.options.plant == .dropsResult, result != nil, !world.isPlantDone {
            world.isPlantDone = true
            apply(DiskErrand(work: .dropTask(task), isApplied: true, isReported: false))
        }
    }

    func suspend(_ task: TaskID) {
        guard var run = runs[task], let since = run.since else { return }
        run.done += world.now - since
        run.left = max(1, run.left - (world.now - since))
        run.since = nil
        runs[task] = run
    }

    func resume(_ task: TaskID) {
        guard var run = runs[task], run.since == nil else { return }
        run.since = world.now
        runsMade += 1
        run.number = runsMade
        runs[task] = run
        world.plan(.worker(host: place, life: life, task, run: run.number), after: run.left)
    }

    /// Checkpoint and leave; a worker that stands still is woken for that.
    func stopWorker(_ task: TaskID) {
        guard let run = runs[task] else { return }
        checkpoint(task, run, lost: 0)
        leave(task, run, code: FaultKind.interrupted.rawValue, after: draws.whole(10...400))
    }

    func killWorker(_ task: TaskID) {
        guard let run = runs[task] else { return }
        checkpoint(task, run, lost: 60_000)
        leave(task, run, code: nil, after: 1)
    }

    private func leave(_ task: TaskID, _ run: SimRun, code: Int32?, after wait: Int64) {
        runs[task] = nil
        let ending = WorkerEnding(
            code: code, reason: code == nil ? "signal 9" : "asked to leave", lastWords: "",
            cpuSeconds: Double(run.ran(at: world.now)) / 1000, progress: run.progress(at: world.now), result: nil)
        plan(.workerEnded(task, ending), after: wait)
    }
}
