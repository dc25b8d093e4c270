import Domain
import Logging
import ServerCore
import Storage
import Synchronization
import Wire

/// Jobs of the daemons, each on a thread of the pool.
extension ServerRuntime {
    /// One job, on a thread of the pool, which goes on with the next one while this one's end waits for its commit.
    func run(_ job: ServerJob, _ performer: any JobPerformer) {
        if job.key.isSplit { return split(job, performer) }
        do {
            let result = try perform(job, performer)
            if memory.withLock({ $0.isStopping }) { return }
            let board = memory.withLock { $0.board }
            let event = try core.event(job, result, board: board, now: clock.now())
            if case .assembled(let batch, _) = event, case .reply(let reply) = result {
                guard try mayAssemble(batch) else { return end(job, nil) }
                try results.publish(batch, reply.assemble)
            }
            write(event, of: job, result)
        } catch {
            fail(job, error)
        }
    }

    private func write(_ event: JobEvent, of job: ServerJob, _ result: JobResult) {
        writer.submit({ [core, leadership] tx, now in
            try leadership.confirm(in: tx)
            return try core.commit(event, in: tx, now: now)
        }) { [self] committed in
            switch committed {
            case .success(let rest?): write(rest, of: job, result)
            case .success(nil):
                note(job, event, result)
                end(job, event)
            case .failure(let error): fail(job, error)
            }
        }
    }

    func fail(_ job: ServerJob, _ error: any Error) {
        metrics.job(kind: job.key.kind, cpuSeconds: 0, failed: true)
        logs[.jobs].error("a job failed", metadata: ["job": "\(job.key)", "error": "\(error)"])
        end(job, nil)
    }

    func end(_ job: ServerJob, _ event: JobEvent?) { end(job, [event]) }

    /// - Parameter events: what it came to, one after the other; the last one counts.
    func end(_ job: ServerJob, _ events: [JobEvent?]) {
        memory.withLock { memory in
            for event in events { core.ended(job, event, on: &memory.board, now: clock.now()) }
        }
        wake.signal()
    }

    /// Whether the daemons still run here, and the batch still waits for its answer.
    private func mayAssemble(_ batch: BatchID) throws -> Bool {
        try writer.performBlocking { [core, leadership] tx, _ in
            try leadership.confirm(in: tx)
            return try core.mayAssemble(batch, in: tx)
        }
    }

    func perform(_ job: ServerJob, _ performer: any JobPerformer) throws -> JobResult {
        let files = JobFiles(blobs: core.blobs)
        let message = try files.filled(job.message)
        guard case .assemble(let batch) = job.key else {
            do throws(Fault) {
                return .reply(try performer.perform(message, timeoutSeconds: job.timeoutSeconds))
            } catch {
                return .fault(error)
            }
        }
        // Before the folder is emptied: another process may be about to publish it.
        guard try mayAssemble(batch) else {
            return .fault(Fault(.noInput, "batch \(batch) is not being assembled any more"))
        }
        try results.prepare(batch)
        var next: Int64? = 0
        do throws(Fault) {
            return .reply(
                try performer.assemble(message, timeoutSeconds: job.timeoutSeconds) { () throws(Fault) in
                    guard let index = next else { return [] }
                    do {
                        let page = try writer.performBlocking { [core] tx, _ in
                            try core.assembleUnits(of: batch, from: index, in: tx)
                        }
                        next = page.next
                        return try files.filled(page.units)
                    } catch {
                        // A store that does not answer says nothing of the answer.
                        throw error as? Fault ?? Fault(.noInput, "\(error)")
                    }
                })
        } catch {
            return .fault(error)
        }
    }

    func note(_ job: ServerJob, _ event: JobEvent, _ result: JobResult) {
        var cpu = 0.0
        if case .reply(let reply) = result { cpu = reply.cpuSeconds }
        var failed = false
        switch event {
        case .retry(_, let fault):
            failed = true
            let reason = fault.message + (fault.advice.map { ". \($0)" } ?? "")
            logs[.jobs].warning("a job will be tried again", metadata: ["job": "\(job.key)", "reason": "\(reason)"])
        case .splitFailed(let batch, let reason), .assembleFailed(let batch, let reason):
            logs[.jobs].error("a batch failed", metadata: ["batch": "\(batch)", "reason": "\(reason)"])
        case .assembled(let batch, _): logs[.jobs].info("a batch is finished", metadata: ["batch": "\(batch)"])
        case .checked(let task, let outcome):
            logs[.jobs].debug("checked", metadata: ["task": "\(task)", "outcome": "\(outcome)"])
        case .split, .compared: logs[.jobs].debug("job done", metadata: ["job": "\(job.key)"])
        }
        metrics.job(kind: job.key.kind, cpuSeconds: cpu, failed: failed)
    }
}

extension JobKey {
    var isSplit: Bool { if case .split = self { true } else { false } }

    /// For metrics: a few words, not one per task.
    var kind: String {
        switch self {
        case .split: "split"
        case .check: "check"
        case .compare: "compare"
        case .assemble: "assemble"
        }
    }
}
