import Bytes
import Domain
import Engine
import Storage
import Wire

/// Work units that are ready to be written: their containers lie in the blob store.
public struct PreparedSplit: Sendable {
    var batch: BatchID
    var cursorBefore: [UInt8]
    var cursorAfter: [UInt8]
    var finished: Bool
    var firstIndex: Int64
    var units: [WorkUnitRecord]
    /// The dictionary of the units' sections, when it pays.
    var dictionary: UnitDictionary?
}

extension ProjectServer {
    /// - Parameter room: so many more units may wait, but for what a last piece has too many; above 0.
    func splitJob(_ batch: BatchRecord, room: Int64) throws -> ServerJob {
        var split = WireSplitJob()
        split.context = try context(of: batch)
        split.cursor = .init(field: batch.cursor)
        split.limit = UInt32(settings.splitDrafts)
        var message = WireWorkerJob()
        message.split = split
        var job = ServerJob(
            key: .split(batch.id), message: message, timeoutSeconds: settings.jobTimeoutSeconds, batch: batch,
            tasks: [])
        job.pieces = Int(min((room - 1) / Int64(settings.splitDrafts) + 1, Int64(settings.splitPieces)))
        return job
    }

    /// The job of the next piece, before this one is packed and written: the splitter need not wait for that. Pieces
    /// are written in their order, and one whose forerunner is missing is dropped like one that was overtaken.
    ///
    /// - Returns: nil behind the last piece, and behind the first: it may bring a dictionary, which the others need.
    public func following(_ job: ServerJob, _ reply: WireSplitReply) -> ServerJob? {
        guard !reply.finished, job.batch.workUnitCount > 0, !reply.drafts.isEmpty else { return nil }
        var next = job
        next.batch.cursor = reply.cursor.array
        next.batch.workUnitCount += Int64(reply.drafts.count)
        next.message.split.cursor = reply.cursor
        return next
    }

    /// What an app is told of its project.
    func context(of batch: BatchRecord) throws -> WireAppContextMessage {
        let spec = try spec(batch.manifest)
        var context = WireAppContextMessage()
        context.app = spec.app
        context.project = spec.name
        context.title = spec.title
        context.parameters = spec.parameters.map { WireParameterMessage($0) }
        context.inputs = batch.inputs.map { input in
            var local = WireLocalInput()
            local.ref = WireInputRef(input)
            local.path = name(of: input.digest)
            return local
        }
        context.stepsPerUnit = UInt64(spec.split.stepsPerUnit)
        if let flops = spec.resources.flopsPerStep { context.flopsPerStep = flops }
        if let relative = spec.validation.relativeTolerance { context.relativeTolerance = relative }
        if let absolute = spec.validation.absoluteTolerance { context.absoluteTolerance = absolute }
        context.setComparison(spec.validation.comparison)
        context.setProgram(spec.program)
        return context
    }

    /// Stands in a job for the file of a blob. Whoever runs the job puts the file, or the bytes, in its place: looking
    /// for it may take long, and jobs are made inside of a transaction.
    func name(of digest: Digest) -> String { digest.hex }

    /// Makes, signs and stores the containers. Blobs first: a crash here leaves containers without rows; the split is
    /// done again from the same cursor, gives the same bytes, and finds its blobs already there.
    func prepareSplit(_ batch: BatchRecord, _ reply: WireSplitReply, now: Timestamp) throws -> JobEvent {
        let spec = try spec(batch.manifest)
        let cursor = reply.cursor.array
        if let fault = fault(in: reply, cursor: cursor, batch: batch) { return .splitFailed(batch.id, fault) }
        var made: [(id: WorkUnitID, body: WireWorkUnitBody, container: [UInt8])] = []
        let dictionary: UnitDictionary?
        do {
            dictionary = try self.dictionary(of: batch, reply)
        } catch let error as WireError {
            return .splitFailed(batch.id, "the splitter's sections: \(error)")
        }
        for (place, draft) in reply.drafts.enumerated() {
            let id = WorkUnitID(batch: batch.id, index: batch.workUnitCount + Int64(place))
            let label = FieldCheck.cleaned(draft.label, bytesMax: 256)
            guard draft.flops > 0, draft.flops * max(1, spec.credit.factor) <= Limits.flopsMax else {
                return .splitFailed(batch.id, "unit \(id.index) (\(label)) has \(draft.flops) FLOPs")
            }
            do {
                let body = try body(id, draft, label: label, appVersion: reply.appVersion, spec, batch, dictionary)
                let container = try UnitContainer.encode(body, key: keys.project)
                guard container.count <= Limits.workUnitBytesMax else {
                    throw WireError.tooLarge(field: "work unit", limit: Limits.workUnitBytesMax)
                }
                made.append((id, body, container))
            } catch let error as WireError {
                return .splitFailed(batch.id, "unit \(id.index) (\(label)): \(error)")
            }
        }
        let units = zip(made, try blobs.put(made.map(\.container))).map { unit, digest in
            record(unit.id, unit.body, digest, unit.container.count, spec, now)
        }
        return .split(
            PreparedSplit(
                batch: batch.id, cursorBefore: batch.cursor, cursorAfter: cursor, finished: reply.finished,
                firstIndex: batch.workUnitCount, units: units, dictionary: dictionary))
    }

    private func fault(in reply: WireSplitReply, cursor: [UInt8], batch: BatchRecord) -> String? {
        if reply.drafts.count > Limits.splitDraftsPerStepMax {
            return "the splitter made \(reply.drafts.count) units at once"
        }
        let count = batch.workUnitCount + Int64(reply.drafts.count)
        if count > Limits.workUnitsPerBatchMax {
            return "the project has more than \(Limits.workUnitsPerBatchMax) work units; raise split.steps_per_unit"
        }
        if reply.appVersion == 0 { return "the splitter's app has no version" }
        if !reply.finished && cursor == batch.cursor { return "the splitter does not come forward" }
        if reply.finished && count == 0 { return "the splitter made no work unit" }
        return nil
    }

    private func body(
        _ id: WorkUnitID, _ draft: WireUnitDraftMessage, label: String, appVersion: UInt32, _ spec: ProjectSpec,
        _ batch: BatchRecord, _ dictionary: UnitDictionary?
    ) throws(WireError) -> WireWorkUnitBody {
        var body = WireWorkUnitBody()
        body.unitID = UInt64(id.rawValue)
        body.project = spec.name
        body.label = label
        body.app = spec.app
        body.appVersion = appVersion
        body.flops = draft.flops
        body.flopsBound = draft.flops * spec.resources.flopsBoundFactor
        body.memoryBytes = UInt64(spec.resources.memoryBytes)
        body.diskBytes = UInt64(spec.resources.diskBytes)
        body.outputBytesMax = UInt64(spec.resources.outputBytes)
        body.inputs = batch.inputs.filter { spec.goesToVolunteers($0.name) }.map { WireInputRef($0) }
        if let program = spec.program { body.program = WireProgramRef(program) }
        if let dictionary { body.dictionarySha256 = .init(field: dictionary.digest.bytes) }
        var sections: [WireSection] = []
        for section in draft.sections {
            let raw = try SectionCodec.unpack(section, limit: Limits.sectionBytesMax)
            sections.append(
                try SectionCodec.pack(
                    name: section.name, kind: section.kind, bytes: raw, dictionary: dictionary?.bytes))
        }
        body.sections = sections
        return body
    }

    private func record(
        _ id: WorkUnitID, _ body: WireWorkUnitBody, _ container: Digest, _ size: Int, _ spec: ProjectSpec,
        _ now: Timestamp
    ) -> WorkUnitRecord {
        WorkUnitRecord(
            id: id, label: body.label, app: "\(body.app)/\(body.appVersion)", container: container,
            containerBytes: Int64(size),
            flops: body.flops, credit: CreditRuleBook.credit(flops: body.flops, rule: spec.credit),
            memoryBytes: spec.resources.memoryBytes, diskBytes: spec.resources.diskBytes,
            outputBytesMax: spec.resources.outputBytes, flopsBound: body.flopsBound,
            checkEach: spec.validation.checkEach, replication: spec.replication, state: .ready, revision: 0,
            createdAt: now, updatedAt: now)
    }

    /// Rows second: units and cursor in one transaction, so that no piece is made twice or left out. A split that was
    /// overtaken (by a restart that did it again, or a cancel) is dropped.
    func commit(_ split: PreparedSplit, in tx: any StoreTransaction, now: Timestamp) throws {
        guard var batch = try tx.batch(split.batch), batch.state == .running, !batch.splitFinished,
            batch.cursor == split.cursorBefore, batch.workUnitCount == split.firstIndex
        else { return }
        if split.firstIndex == 0 { try logRelease(split.units, of: batch, in: tx, now: now) }
        try tx.insertWorkUnits(split.units.map { WorkUnitMachine.create($0) })
        try logRows(of: split.units, in: tx, now: now)
        batch.cursor = split.cursorAfter
        batch.splitFinished = split.finished
        batch.workUnitCount += Int64(split.units.count)
        if let dictionary = split.dictionary, !batch.inputs.contains(where: { $0.name == UnitDictionary.inputName }) {
            // Among the inputs, so that worker children get its file with every job of the batch.
            batch.inputs.append(
                InputReference(
                    name: UnitDictionary.inputName, digest: dictionary.digest, size: Int64(dictionary.bytes.count),
                    packing: .plain))
        }
        try tx.updateBatch(batch)
    }
}
