import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// Looks whether a batch in state running has come to its end, and moves it on.
    ///
    /// When every unit is validated the answer is put together. When one failed or was cancelled the batch fails: an
    /// answer with holes would look like an answer. The results that were validated stay in the blob store, and the
    /// reason names the units, so that the scientist can mend the manifest and submit again.
    func endIfComplete(
        _ batch: BatchRecord, _ counts: BatchCounts, in tx: any StoreTransaction, now: Timestamp
    ) throws -> BatchRecord {
        guard batch.state == .running, batch.splitFinished, counts.ended == batch.workUnitCount else { return batch }
        var batch = batch
        if counts.failed + counts.cancelled > 0 {
            return try end(batch, .failed(try failure(batch, counts, in: tx)), in: tx, now: now)
        }
        batch.state = .assembling
        try tx.updateBatch(batch)
        return batch
    }

    private func failure(
        _ batch: BatchRecord, _ counts: BatchCounts, in tx: any StoreTransaction
    ) throws -> String {
        var named: [String] = []
        try forEachUnit(of: batch.id, in: tx) { aggregate in
            guard aggregate.unit.state.canonical == nil, named.count < 10 else { return }
            named.append("\(aggregate.unit.id.index) (\(aggregate.unit.label)): \(aggregate.unit.state.word)")
        }
        let without = counts.failed + counts.cancelled
        let more = without > Int64(named.count) ? " and \(without - Int64(named.count)) more" : ""
        return "\(without) of \(batch.workUnitCount) work units brought no result: "
            + named.joined(separator: "; ") + more
    }

    /// Where the files of an answer are written before they are complete.
    public func assemblyPath(of batch: BatchID) -> String { "\(settings.resultsPath)/.tmp-\(batch)" }

    /// Where the files of an answer lie.
    public func resultsPath(of batch: BatchID) -> String { "\(settings.resultsPath)/\(batch)" }

    func assembleJob(_ batch: BatchRecord, in tx: any StoreTransaction) throws -> ServerJob {
        var assemble = WireAssembleJob()
        assemble.context = try context(of: batch)
        assemble.outputPath = assemblyPath(of: batch.id)
        try forEachUnit(of: batch.id, in: tx) { aggregate in
            guard let canonical = aggregate.unit.state.canonical,
                let report = aggregate.tasks.first(where: { $0.id == canonical })?.state.report
            else { throw StoreError.corrupt("unit \(aggregate.unit.id) has no canonical result") }
            var unit = WireAssembleUnit()
            unit.unitPath = path(of: aggregate.unit.container)
            unit.result = local(canonical, report, aggregate.unit)
            assemble.units.append(unit)
        }
        var message = WireWorkerJob()
        message.assemble = assemble
        return ServerJob(
            key: .assemble(batch.id), message: message, timeoutSeconds: settings.assembleTimeoutSeconds,
            batch: batch, tasks: [])
    }

    /// The folder was renamed into place before this. A crash in between, or between the parts, leaves a finished folder
    /// of a batch in state assembling; it is assembled again, from the same results into the same files.
    /// - Returns: the index from which the next part goes on; nil when the batch is finished.
    func commitAssembled(
        _ id: BatchID, from index: Int64, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Int64? {
        guard var batch = try tx.batch(id), batch.state == .assembling else { return nil }
        let page = try tx.workUnits(of: id, fromIndex: index, limit: settings.endingLook)
        for aggregate in page { _ = try apply(.assembled, to: aggregate, in: tx, now: now) }
        if let last = page.last, last.unit.id.index + 1 < batch.workUnitCount { return last.unit.id.index + 1 }
        batch.state = .finished
        batch.finishedAt = now
        try tx.updateBatch(batch)
        try logEnd(of: batch, in: tx, now: now)
        return nil
    }
}
