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
    /// Units that wait for the validator, and since when the oldest of those does that were looked at.
    public var awaitingValidation = 0
    public var oldestAwaiting: Timestamp?
    /// Units that have ended, of each batch in state running.
    public var ended: [(batch: BatchID, units: Int64)] = []
    /// Units of batches that have ended before them, which this tick has ended. When there are some, the next tick
    /// should come at once.
    public var unitsEnded = 0
    /// Of such batches: from which index on the next tick goes on.
    var ending: [BatchID: Int64] = [:]
    var endedLast: BatchID?
    var open: Set<BatchID> = []
    /// What kept a batch from going on, for the log.
    public var troubles: [String] = []
}

extension ProjectServer {
    /// Does what time brings, and says which jobs must run.
    ///
    /// Level-triggered: it looks at what the store says now, not at what happened, so a tick that was lost, or a whole
    /// process, is made good by the next tick.
    /// - Parameter board: jobs that run or wait; those that are returned are added to it by the caller, with
    ///   `started`, after the transaction is durable.
    public func tick(_ board: JobBoard, in tx: any StoreTransaction, now: Timestamp) throws -> TickReport {
        var report = TickReport()
        try expire(&report, in: tx, now: now)
        let open = try tx.openBatches()
        report.open = Set(open.map(\.id))
        for batch in open {
            // Never the end of the batch: its manifest was accepted once. Another worker, or a disk that fails, is for
            // the operator to mend, and the batch goes on from where it is.
            try alone("batch \(batch.id)", &report, in: tx) { tx, report in
                _ = try spec(batch.manifest)
                try advance(batch, board, &report, in: tx, now: now)
            }
        }
        try endUnits(board, &report, in: tx, now: now)
        try findValidation(board, &report, in: tx, now: now)
        return report
    }

    /// A part of the tick that is undone alone when it fails, so that one batch or unit in trouble does not keep all
    /// others from their turn. A store that is broken fails whatever comes next as well.
    func alone(
        _ what: @autoclosure () -> String, _ report: inout TickReport, in tx: any StoreTransaction,
        _ body: (any StoreTransaction, inout TickReport) throws -> Void
    ) throws {
        var part = report
        do {
            try tx.savepoint { try body($0, &part) }
            report = part
        } catch let fault as Fault {
            report.troubles.append("\(what()): \(text(fault.message))")
        } catch StoreError.io(let reason) {
            throw StoreError.io(reason)
        } catch let error as StoreError {
            report.troubles.append("\(what()): \(error)")
        }
    }

    private func advance(
        _ batch: BatchRecord, _ board: JobBoard, _ report: inout TickReport, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        let counts = try tx.counts(of: batch.id)
        if batch.state == .running { report.ended.append((batch.id, counts.ended)) }
        try endAbandoned(of: batch, counts, &report, in: tx, now: now)
        try closeWindow(of: batch, counts, in: tx, now: now)
        let batch = try endIfComplete(batch, counts, in: tx, now: now)
        switch batch.state {
        case .running where !batch.splitFinished && board.mayStart(.split(batch.id), now: now):
            let room = settings.readyUnitsMax - counts.ready
            if room > 0 { report.jobs.append(try splitJob(batch, room: room)) }
        case .assembling where board.mayStart(.assemble(batch.id), now: now):
            report.jobs.append(try assembleJob(batch))
        default: break
        }
    }

    /// A crash in the middle leaves some timers fired and others not; those are found again by the next tick.
    private func expire(_ report: inout TickReport, in tx: any StoreTransaction, now: Timestamp) throws {
        for task in try tx.overdueTasks(before: now, limit: 500) {
            try alone("task \(task)", &report, in: tx) { tx, report in
                _ = try apply(.deadlinePassed(task), toUnit: task.unit, in: tx, now: now)
                report.expired += 1
            }
        }
    }

    /// Marks the jobs of a tick as running, and how far it has come.
    public func started(_ report: TickReport, on board: inout JobBoard) {
        for job in report.jobs { board.start(job.key) }
        (board.ending, board.endedLast, board.open) = (report.ending, report.endedLast, report.open)
    }

    /// What the end of a job means. Outside of transactions: a split puts its containers here, before their rows.
    public func event(_ job: ServerJob, _ result: JobResult, board: JobBoard, now: Timestamp) throws -> JobEvent {
        let result = withoutBadProgram(result, of: job)
        var givesUp = false
        if case .fault(let fault) = result { givesUp = board.givesUp(job.key, after: fault, settings) }
        switch job.key {
        case .check(let task): return checkEvent(task, result, givesUp: givesUp)
        case .compare(let unit): return compareEvent(job, unit: unit, result, givesUp: givesUp)
        case .split(let batch):
            if case .fault(let fault) = result {
                return givesUp ? .splitFailed(batch, text(fault.message)) : .retry(job.key, fault)
            }
            guard case .reply(let reply) = result else { return .retry(job.key, wrongReply) }
            switch reply.reply {
            case .split(let split): return try prepareSplit(job.batch, split, now: now)
            case .failure(let failure) where fault(failure).kind == .badData:
                return .splitFailed(batch, text(failure.message))
            case .failure(let failure): return .retry(job.key, ownFault(failure))
            default: return .retry(job.key, wrongReply)
            }
        case .assemble(let batch):
            if case .fault(let fault) = result {
                // All is computed: a machine that is slow or short of memory may still put it together one day.
                let fails = givesUp && fault.kind == .software
                return fails ? .assembleFailed(batch, text(fault.message)) : .retry(job.key, fault)
            }
            guard case .reply(let reply) = result else { return .retry(job.key, wrongReply) }
            switch reply.reply {
            case .assemble: return .assembled(batch, fromIndex: 0)
            case .failure(let failure) where fault(failure).kind == .badData:
                return .assembleFailed(batch, text(failure.message))
            case .failure(let failure): return .retry(job.key, ownFault(failure))
            default: return .retry(job.key, wrongReply)
            }
        }
    }

    /// Two results that the scientist's comparing program cannot judge are like two that bring the worker down: tried
    /// again, not for ever, and in the end no agreement, which is nobody's fault.
    private func withoutBadProgram(_ result: JobResult, of job: ServerJob) -> JobResult {
        guard case .compare = job.key, case .reply(let reply) = result, case .failure(let failure) = reply.reply,
            fault(failure).kind == .negative,
            case .program = try? spec(job.batch.manifest).validation.comparison
        else { return result }
        return .fault(Fault(.software, text(failure.message)))
    }

    /// Writes what a job brought. An event that came too late for the state of its unit or batch changes nothing.
    /// - Returns: what is left of it, to be written in a transaction of its own; others may come before.
    public func commit(_ event: JobEvent, in tx: any StoreTransaction, now: Timestamp) throws -> JobEvent? {
        switch event {
        case .split(let split): try commit(split, in: tx, now: now)
        case .checked(let task, let outcome):
            _ = try apply(.checked(task, outcome), toUnit: task.unit, in: tx, now: now)
        case .compared(let unit, let pairs): _ = try apply(.compared(pairs), toUnit: unit, in: tx, now: now)
        case .assembled(let batch, let index):
            let next = try commitAssembled(batch, from: index, in: tx, now: now)
            return next.map { .assembled(batch, fromIndex: $0) }
        case .splitFailed(let id, let reason), .assembleFailed(let id, let reason):
            guard let batch = try tx.batch(id), !batch.state.hasEnded else { return nil }
            _ = try end(batch, .failed(reason), in: tx, now: now)
        case .retry: break
        }
        return nil
    }

    /// Forgets a job that has ended, or lets it wait when it must be tried again.
    /// - Parameter event: nil when even the event could not be written.
    public func ended(_ job: ServerJob, _ event: JobEvent?, on board: inout JobBoard, now: Timestamp) {
        board.finish(job.key, event ?? .retry(job.key, wrongReply), settings: settings, now: now)
    }
}
