import Bytes
import Domain
import Engine
import Storage
import Transparency
import Wire

extension ProjectServer {
    /// Checks a submission against its manifest; the manifest itself was checked when it was parsed.
    ///
    /// Every input that the manifest names must be here as a blob of the stated size and packing, and nothing else. A
    /// program of the project's own must be released: listed, published, and not too old.
    public func checkSubmit(
        _ request: WireSubmitRequest, spec: ProjectSpec, now: Timestamp
    ) throws -> Result<[InputReference], RequestRefusal> {
        if let refusal = programRefusal(of: spec, now: now) { return .failure(refusal) }
        // And the comparing program.
        guard request.inputs.count <= Limits.inputsPerProjectMax + 1 else {
            return .failure(RequestRefusal(.badRequest, "inputs has more than \(Limits.inputsPerProjectMax) entries"))
        }
        var references: [InputReference] = []
        for file in spec.files {
            guard let message = request.inputs.first(where: { $0.name == file.name }) else {
                return .failure(
                    RequestRefusal(.missingInput, "input \(file.name) of the manifest is not in the request"))
            }
            let reference: InputReference
            do {
                reference = try message.domain()
            } catch {
                return .failure(RequestRefusal(.badRequest, "input \(file.name): \(error)"))
            }
            guard reference.packing == file.packing else {
                return .failure(
                    RequestRefusal(
                        .badRequest,
                        "input \(file.name) is packed as \(reference.packing.rawValue), the manifest"
                            + " says \(file.packing.rawValue)"))
            }
            guard try blobs.durableSize(of: reference.digest) == reference.size else {
                return .failure(
                    RequestRefusal(
                        .missingInput, "input \(file.name) is not on the server",
                        advice: "upload it to /v1/blobs/\(reference.digest) first"))
            }
            references.append(reference)
        }
        if request.inputs.count != references.count {
            return .failure(RequestRefusal(.badRequest, "inputs has entries that the manifest does not name"))
        }
        return .success(references)
    }

    /// Makes the batch. The manifest's text is a blob already; a crash before the commit leaves that blob alone, and
    /// the scientist submits again. A crash after it leaves a batch that the splitter takes up.
    public func submit(
        _ spec: ProjectSpec, manifest: Digest, inputs: [InputReference], in tx: any StoreTransaction,
        now: Timestamp
    ) throws -> BatchRecord {
        let batch = try tx.insertBatch { id in
            BatchRecord(
                id: id, project: spec.name, title: spec.title, app: spec.app, manifest: manifest, inputs: inputs,
                replication: spec.replication, state: .running, cursor: [], splitFinished: false, workUnitCount: 0,
                createdAt: now, finishedAt: nil)
        }
        let act = LoggedAdminAct(actor: "admin", act: "submit", object: "batch \(batch.id)")
        try log(.adminAct(act), in: tx, now: now)
        try logRow(of: batch, in: tx, now: now)
        return batch
    }

    /// Ends a batch at the scientist's wish: nothing more is sent, what is out is aborted at a later call of its host.
    /// A batch that has ended stays as it is.
    public func cancel(
        _ id: BatchID, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Result<BatchRecord, RequestRefusal> {
        guard let batch = try tx.batch(id) else {
            return .failure(RequestRefusal(.notFound, "there is no batch \(id)"))
        }
        switch batch.state {
        case .running, .assembling:
            let act = LoggedAdminAct(actor: "admin", act: PublicLog.cancelAct, object: PublicLog.object(id))
            try log(.adminAct(act), in: tx, now: now)
            return .success(try end(batch, .cancelled, in: tx, now: now))
        case .cancelled: return .success(batch)
        case .finished, .failed:
            return .failure(RequestRefusal(.wrongState, "batch \(id) has ended: \(batch.state.word)"))
        }
    }

    /// Ends a batch that brings no answer. Nothing of it is sent from now on; its open units are ended by the next
    /// ticks (`endUnits`), some at a time, so that others need not wait while a million of them are.
    func end(
        _ batch: BatchRecord, _ state: BatchState, in tx: any StoreTransaction, now: Timestamp
    ) throws -> BatchRecord {
        var batch = batch
        batch.state = state
        batch.finishedAt = now
        try tx.updateBatch(batch)
        try logEnd(of: batch, in: tx, now: now)
        return batch
    }

    /// Ends open units of batches that have ended, at most `endingLook` of all that it reads.
    ///
    /// Level-triggered: how far it has come is on the board, and a restart begins with the first unit again, which ends
    /// none twice. The batches take turns, so that a unit that cannot be ended holds up its own batch alone.
    func endUnits(_ board: JobBoard, _ report: inout TickReport, in tx: any StoreTransaction, now: Timestamp) throws {
        var left = settings.endingLook
        let batches = try endedWithOpenUnits(board, stillOpen: report.open, in: tx)
        report.endedLast = board.endedLast
        for batch in batches { report.ending[batch] = board.ending[batch] ?? 0 }
        let behind = batches.filter { $0.rawValue > board.endedLast?.rawValue ?? 0 }
        for batch in behind + batches.dropLast(behind.count) where left > 0 {
            let page = try tx.workUnits(of: batch, fromIndex: report.ending[batch] ?? 0, limit: left)
            for unit in page.map(\.unit) where !unit.state.isFinal {
                // Loaded afresh: what one unit's end means for its host may have changed others of the page.
                try alone("unit \(unit.id)", &report, in: tx) { tx, report in
                    let applied = try apply(.cancelled, toUnit: unit.id, in: tx, now: now)
                    report.unitsEnded += applied?.ended == true ? 1 : 0
                }
            }
            left -= page.count
            // Behind the last one it begins again: whatever is still open was not ended when it was passed.
            report.ending[batch] = page.last.map { $0.unit.id.index + 1 } ?? 0
            report.endedLast = batch
        }
    }

    /// Batches that have ended while units of theirs have not, in order of number: those that were found open or ending
    /// by the last tick. Only the first tick asks the store for all.
    private func endedWithOpenUnits(
        _ board: JobBoard, stillOpen: Set<BatchID>, in tx: any StoreTransaction
    ) throws -> [BatchID] {
        let batches: [BatchID]
        if let before = board.open {
            batches = before.union(board.ending.keys).subtracting(stillOpen).sorted { $0.rawValue < $1.rawValue }
        } else {
            batches = try tx.batchesWithOpenUnits()
        }
        return try batches.filter { id in
            guard let batch = try tx.batch(id), batch.state.hasEnded else { return false }
            return try tx.counts(of: id).open > 0
        }
    }

    /// Units in order of index, a page at a time, so that a large batch does not lie in memory at once.
    func forEachUnit(
        of batch: BatchID, in tx: any StoreTransaction, _ body: (WorkUnitAggregate) throws -> Void
    ) throws {
        var index: Int64 = 0
        while true {
            let page = try tx.workUnits(of: batch, fromIndex: index, limit: 500)
            for aggregate in page { try body(aggregate) }
            guard let last = page.last else { return }
            index = last.unit.id.index + 1
        }
    }
}
