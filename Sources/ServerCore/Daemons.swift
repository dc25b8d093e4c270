import Domain
import Engine
import Storage
import Wire

/// What a tick found.
public struct TickReport: Sendable {
    /// To be run by worker children; the board counts them as running.
    public var jobs: [ServerJob] = []
    /// Tasks whose deadline has passed.
    public var expired = 0
    /// Units that wait for the validator, at most as many as one look finds, and since when the oldest does.
    public var awaitingValidation = 0
    public var oldestAwaiting: Timestamp?
    /// Units that have ended, of each batch in state running.
    public var ended: [(batch: BatchID, units: Int64)] = []
    /// What kept a batch from going on, for the log.
    public var troubles: [String] = []
}

extension ProjectServer {
    /// Units looked at for validation in one tick.
    private var validationLook: Int { 512 }

    /// Does what time brings, and says which jobs must run.
    ///
    /// Level-triggered: it looks at what the store says now, not at what happened, so a tick that was lost, or a whole
    /// process, is made good by the next tick.
    /// - Parameter board: jobs that run or wait; those that are returned are added to it by the caller, with
    ///   `started`, after the transaction is durable.
    public func tick(_ board: JobBoard, in tx: any StoreTransaction, now: Timestamp) throws -> TickReport {
        var report = TickReport()
        report.expired = try expire(in: tx, now: now)
        for batch in try tx.openBatches() {
            do {
                _ = try spec(batch.manifest)
                try advance(batch, board, &report, in: tx, now: now)
            } catch let fault as Fault {
                report.troubles.append("batch \(batch.id): \(fault.message)")
                // A manifest that does not say what it should never will; other faults may pass.
                if fault.kind == .badData {
                    _ = try end(batch, .failed("manifest: \(text(fault.message))"), in: tx, now: now)
                }
            }
        }
        try findValidation(board, &report, in: tx, now: now)
        return report
    }

    private func advance(
        _ batch: BatchRecord, _ board: JobBoard, _ report: inout TickReport, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        let counts = try tx.counts(of: batch.id)
        if batch.state == .running { report.ended.append((batch.id, counts.ended)) }
        let batch = try endIfComplete(batch, counts, in: tx, now: now)
        switch batch.state {
        case .running where !batch.splitFinished && board.mayStart(.split(batch.id), now: now):
            if counts.ready < settings.readyUnitsMax { report.jobs.append(try splitJob(batch)) }
        case .assembling where board.mayStart(.assemble(batch.id), now: now):
            report.jobs.append(try assembleJob(batch, in: tx))
        default: break
        }
    }

    /// A crash in the middle leaves some timers fired and others not; those are found again by the next tick.
    private func expire(in tx: any StoreTransaction, now: Timestamp) throws -> Int {
        let overdue = try tx.overdueTasks(before: now, limit: 500)
        for task in overdue { _ = try apply(.deadlinePassed(task), toUnit: task.unit, in: tx, now: now) }
        return overdue.count
    }

    private func findValidation(
        _ board: JobBoard, _ report: inout TickReport, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        var batches: [BatchID: BatchRecord] = [:]
        for id in try tx.unitsAwaitingValidation(limit: validationLook) {
            guard let aggregate = try tx.workUnit(id) else { continue }
            report.awaitingValidation += 1
            report.oldestAwaiting = min(report.oldestAwaiting ?? now, aggregate.unit.updatedAt)
            guard let work = WorkUnitMachine.validationWork(aggregate),
                board.mayStart(key(of: work, unit: id), now: now),
                let batch = try batches[id.batch] ?? tx.batch(id.batch)
            else { continue }
            batches[id.batch] = batch
            do {
                if let job = try validationJob(work, aggregate, batch: batch) { report.jobs.append(job) }
            } catch let fault as Fault {
                report.troubles.append("unit \(id): \(fault.message)")
            }
        }
    }

    /// Marks the jobs of a tick as running.
    public func started(_ jobs: [ServerJob], on board: inout JobBoard) {
        for job in jobs { board.start(job.key) }
    }

    /// What the end of a job means. Outside of transactions: a split puts its containers here, before their rows.
    public func event(_ job: ServerJob, _ result: JobResult, board: JobBoard, now: Timestamp) throws -> JobEvent {
        let crashes = board.crashCount(job.key)
        switch job.key {
        case .check(let task): return checkEvent(task, result, crashes: crashes)
        case .compare(let unit): return compareEvent(job, unit: unit, result, crashes: crashes)
        case .split(let batch):
            guard case .reply(let reply) = result else {
                return giveUp(result, job.key, crashes) { .splitFailed(batch, $0) }
            }
            switch reply.reply {
            case .split(let split): return try prepareSplit(job.batch, split, now: now)
            case .failure(let failure) where fault(failure).kind == .badData:
                return .splitFailed(batch, text(failure.message))
            case .failure(let failure): return .retry(job.key, fault(failure))
            default: return .retry(job.key, wrongReply)
            }
        case .assemble(let batch):
            guard case .reply(let reply) = result else {
                return giveUp(result, job.key, crashes) { .assembleFailed(batch, $0) }
            }
            switch reply.reply {
            case .assemble: return .assembled(batch)
            case .failure(let failure) where fault(failure).kind == .badData:
                return .assembleFailed(batch, text(failure.message))
            case .failure(let failure): return .retry(job.key, fault(failure))
            default: return .retry(job.key, wrongReply)
            }
        }
    }

    /// A splitter or assembler that keeps crashing fails its batch; anything else is tried again.
    private func giveUp(
        _ result: JobResult, _ key: JobKey, _ crashes: Int, _ failed: (String) -> JobEvent
    ) -> JobEvent {
        guard case .fault(let fault) = result else { return .retry(key, wrongReply) }
        return fault.kind == .software && crashes + 1 >= settings.crashesMax
            ? failed(text(fault.message)) : .retry(key, fault)
    }

    /// Writes what a job brought. An event that came too late for the state of its unit or batch changes nothing.
    public func commit(_ event: JobEvent, in tx: any StoreTransaction, now: Timestamp) throws {
        switch event {
        case .split(let split): try commit(split, in: tx)
        case .checked(let task, let outcome):
            _ = try apply(.checked(task, outcome), toUnit: task.unit, in: tx, now: now)
        case .compared(let unit, let pairs): _ = try apply(.compared(pairs), toUnit: unit, in: tx, now: now)
        case .assembled(let batch): try commitAssembled(batch, in: tx, now: now)
        case .splitFailed(let id, let reason), .assembleFailed(let id, let reason):
            guard let batch = try tx.batch(id), batch.state == .running || batch.state == .assembling else { return }
            _ = try end(batch, .failed(reason), in: tx, now: now)
        case .retry: break
        }
    }

    /// Forgets a job that has ended, or lets it wait when it must be tried again.
    /// - Parameter event: nil when even the event could not be written.
    public func ended(_ job: ServerJob, _ event: JobEvent?, on board: inout JobBoard, now: Timestamp) {
        board.finish(job.key, event ?? .retry(job.key, wrongReply), settings: settings, now: now)
    }
}
