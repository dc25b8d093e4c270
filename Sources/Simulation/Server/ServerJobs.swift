import Domain
import ServerCore
import Storage
import Wire

/// The tick, and the worker children of the server.
extension SimServer {
    func planTick(after wait: Int64) {
        guard !isTickPlanned else { return }
        isTickPlanned = true
        world.plan(.serverTick(life: life, number: tickNumber), after: wait)
    }

    func tick() {
        isTickPlanned = false
        let board = self.board
        perform { [core] tx, now in
            try core.tick(board, in: tx, now: now)
        } _: { [self] result in
            if case .success(let report) = result {
                core.started(report, on: &self.board)
                world.note(.tick, who: -1, Int64(report.jobs.count), Int64(report.expired), "")
                waitingJobs += report.jobs
                startJobs()
            }
            var isBehind = false
            if case .success(let report) = result { isBehind = report.unitsEnded > 0 }
            planTick(after: isBehind ? 1 : SimServer.tickMilliseconds)
        }
    }

    /// Something has happened that may make work: the tick comes now instead of later.
    func nudge() {
        tickNumber += 1
        isTickPlanned = false
        planTick(after: 1)
    }

    private func startJobs() {
        while idleWorkers > 0, !waitingJobs.isEmpty {
            idleWorkers -= 1
            start(waitingJobs.removeFirst())
        }
    }

    private func start(_ job: ServerJob) {
        var wait = draws.wait(mean: 20)
        var result = perform(job)
        if world.has(.jobs), draws.chance(oneIn: 30) {
            switch draws.index(below: 4) {
            case 0: result = .fault(Fault(.software, "the worker crashed"))
            case 1:
                result = .fault(Fault(.interrupted, "the worker ran out of time"))
                wait = Int64(job.timeoutSeconds * 1000)
            case 2: result = .fault(Fault(.cannotWrite, "the worker could not be started"))
            default: result = .reply(ModelWorker.failure(.noInput, "a file cannot be read"))
            }
        }
        world.note(.job, who: -1, SimServer.code(job.key), SimServer.number(job.key), "\(job.key)")
        world.plan(.jobEnd(life: life, job, result), after: wait)
    }

    private func perform(_ job: ServerJob) -> JobResult {
        var job = job
        do {
            if case .assemble(let batch) = job.key {
                var next: Int64? = 0
                while let index = next {
                    let page = try truth.transaction { try core.assembleUnits(of: batch, from: index, in: $0) }
                    job.message.assemble.units += page.units
                    next = page.next
                }
            }
        } catch {
            return .fault(error as? Fault ?? Fault(.noInput, "\(error)"))
        }
        return worker.perform(job, &world.app, trueBlobs)
    }

    func jobEnded(_ job: ServerJob, _ result: JobResult) {
        idleWorkers += 1
        startJobs()
        if mayDieHere() { return }
        world.note(.jobEnd, who: -1, SimServer.code(job.key), SimServer.number(job.key), "\(job.key)")
        let event: JobEvent
        do {
            // A split puts its containers here, before their rows.
            event = try core.event(job, result, board: board, now: now)
        } catch {
            settle(job, nil)
            return
        }
        if case .assembled(let batch, _) = event { published.insert(batch) }
        if mayDieHere() { return }
        write(event, of: job)
    }

    private func write(_ event: JobEvent, of job: ServerJob) {
        perform { [core] tx, now in
            try core.commit(event, in: tx, now: now)
        } _: { [self] outcome in
            switch outcome {
            case .success(let rest?): write(rest, of: job)
            case .success(nil): settle(job, event)
            case .failure: settle(job, nil)
            }
        }
    }

    private func settle(_ job: ServerJob, _ event: JobEvent?) {
        core.ended(job, event, on: &board, now: now)
        nudge()
    }

    private static func code(_ key: JobKey) -> Int64 {
        switch key {
        case .split: 1
        case .check: 2
        case .compare: 3
        case .assemble: 4
        }
    }

    private static func number(_ key: JobKey) -> Int64 {
        switch key {
        case .split(let batch), .assemble(let batch): batch.rawValue
        case .check(let task): task.rawValue
        case .compare(let unit): unit.rawValue
        }
    }
}
