import Domain
import Engine
import Storage

/// What a tick looks for among the work units of all batches.
extension ProjectServer {
    /// Finds checks and comparisons that must run, oldest units first.
    ///
    /// Units whose job failed and must wait are passed over without being read, and so are those of a batch that is in
    /// trouble; the look goes on behind them, so that however many of them there are, others have their turn.
    func findValidation(
        _ board: JobBoard, _ report: inout TickReport, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        report.awaitingValidation = try tx.unitsAwaitingValidationCount()
        var look = ValidationLook(board, settings, now: now)
        var limit = settings.validationLook
        var seen = 0
        while true {
            let ids = try tx.unitsAwaitingValidation(limit: limit)
            for id in ids.dropFirst(seen) where look.mayLook(at: id, &report) {
                try findJob(of: id, board, &look, &report, in: tx)
            }
            seen = ids.count
            let isDone = ids.count < limit || look.looked >= settings.validationLook
            if isDone || limit >= settings.validationLookMax { return }
            limit = min(limit * 4, settings.validationLookMax)
        }
    }

    private func findJob(
        of id: WorkUnitID, _ board: JobBoard, _ look: inout ValidationLook, _ report: inout TickReport,
        in tx: any StoreTransaction
    ) throws {
        guard let aggregate = try tx.workUnit(id) else { return }
        report.oldestAwaiting = min(report.oldestAwaiting ?? look.now, aggregate.unit.updatedAt)
        guard let work = WorkUnitMachine.validationWork(aggregate),
            board.mayStart(key(of: work, unit: id), now: look.now),
            let batch = try look.batches[id.batch] ?? tx.batch(id.batch)
        else { return }
        look.batches[id.batch] = batch
        do {
            if let job = try validationJob(work, aggregate, batch: batch) {
                report.jobs.append(job)
                look.starts(id)
            }
        } catch let fault as Fault {
            // What keeps this unit from its check (the manifest cannot be read) keeps the others of its batch, too.
            look.troubled.insert(id.batch)
            report.troubles.append("batch \(id.batch), unit \(id.index): \(text(fault.message))")
        }
    }

    /// Ends units to which nobody else comes; see `WorkUnitMachine.waitMax`.
    ///
    /// It looks at a few units of each batch that is old enough, and the time says at which: all come by in turn, and
    /// nothing must be remembered from tick to tick.
    func endAbandoned(
        of batch: BatchRecord, _ counts: BatchCounts, _ report: inout TickReport, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        guard batch.state == .running, counts.active > 0, now - batch.createdAt > WorkUnitMachine.waitMin else {
            return
        }
        let look = settings.waitingLook
        let turn = max(0, now.milliseconds / 1000) * look
        let first = batch.workUnitCount > look ? turn % batch.workUnitCount : 0
        for aggregate in try tx.workUnits(of: batch.id, fromIndex: first, limit: Int(look)) {
            let applied = try apply(.waitedInVain, to: aggregate, in: tx, now: now)
            guard applied.ended else { continue }
            report.troubles.append("unit \(aggregate.unit.id): no further volunteer came for it, and it has failed")
        }
    }
}

/// One look for validation jobs: whom it passes over.
private struct ValidationLook {
    let now: Timestamp
    var batches: [BatchID: BatchRecord] = [:]
    /// Batches of which no job can be made.
    var troubled: Set<BatchID> = []
    /// Units that were read.
    private(set) var looked = 0
    private let setbacks: [WorkUnitID: JobBoard.Setback]
    /// How many failed jobs may still be tried again at once.
    private var retriesLeft: Int

    init(_ board: JobBoard, _ settings: ServerSettings, now: Timestamp) {
        self.now = now
        setbacks = board.setbacks()
        retriesLeft = settings.retriesAtOnce - board.retriesRunning
    }

    mutating func mayLook(at id: WorkUnitID, _ report: inout TickReport) -> Bool {
        guard !troubled.contains(id.batch) else { return false }
        if let setback = setbacks[id] {
            report.oldestAwaiting = min(report.oldestAwaiting ?? now, setback.since)
            guard setback.retryAt <= now, retriesLeft > 0 else { return false }
        }
        looked += 1
        return true
    }

    /// A job of this unit will run.
    mutating func starts(_ id: WorkUnitID) {
        if setbacks[id] != nil { retriesLeft -= 1 }
    }
}
