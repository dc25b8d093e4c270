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
        var next: Int64 = 0
        // Some of those among the first units; the report has all.
        for _ in 0..<20 where named.count < 10 {
            let page = try tx.workUnits(of: batch.id, fromIndex: next, limit: 500)
            guard let last = page.last else { break }
            next = last.unit.id.index + 1
            for unit in page.map(\.unit) where unit.state.canonical == nil && named.count < 10 {
                named.append("\(unit.id.index) (\(unit.label)): \(unit.state.word)")
            }
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

    /// Without its units: whoever runs it asks for them page by page (`assembleUnits`), however many there are.
    func assembleJob(_ batch: BatchRecord) throws -> ServerJob {
        var assemble = WireAssembleJob()
        assemble.context = try context(of: batch)
        assemble.outputPath = assemblyPath(of: batch.id)
        var message = WireWorkerJob()
        message.assemble = assemble
        return ServerJob(
            key: .assemble(batch.id), message: message, timeoutSeconds: settings.assembleTimeoutSeconds,
            batch: batch, tasks: [])
    }

    /// Units of an answer that travel together.
    public static let assemblyPage = 500

    /// The next units of an answer, in order.
    /// - Returns: the units, and from which index to go on; nil: these were the last.
    /// - Throws: `Fault` when the batch is not being assembled any more, or a unit has no result.
    public func assembleUnits(
        of id: BatchID, from index: Int64, in tx: any StoreTransaction
    ) throws -> (units: [WireAssembleUnit], next: Int64?) {
        guard try mayAssemble(id, in: tx) else {
            throw Fault(.interrupted, "batch \(id) is not being assembled any more")
        }
        let page = try tx.workUnits(of: id, fromIndex: index, limit: Self.assemblyPage)
        let units = try page.map { aggregate in
            guard let canonical = aggregate.unit.state.canonical,
                let report = aggregate.tasks.first(where: { $0.id == canonical })?.state.report
            else { throw Fault(.noInput, "unit \(aggregate.unit.id) has no canonical result") }
            var unit = WireAssembleUnit()
            unit.unitPath = name(of: aggregate.unit.container)
            unit.result = local(canonical, report, aggregate.unit)
            return unit
        }
        return (units, page.count == Self.assemblyPage ? page.last.map { $0.unit.id.index + 1 } : nil)
    }

    /// Whether an answer of the batch may still be put together and published: it may have been cancelled meanwhile.
    public func mayAssemble(_ id: BatchID, in tx: any StoreTransaction) throws -> Bool {
        try tx.batch(id)?.state == .assembling
    }

    /// The folder was renamed into place before this. A crash in between, or between the parts, leaves a finished
    /// folder of a batch in state assembling; it is assembled again, from the same results into the same files.
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
