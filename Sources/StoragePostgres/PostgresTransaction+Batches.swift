import Domain
import Storage

private enum BatchSQL {
    static let row = Columns(
        """
        id project:t title:t app:t manifest:b quorum initial_tasks max_total max_errors deadline_ms acceptance
        check_rate:r check_window state failure:t cursor:b split_finished work_unit_count created_ms finished_ms
        """)
    static let columns = row.list
    static let nextNumber = Query("SELECT coalesce(max(id), 0) + 1 FROM batch")
    static let insert = row.insert(into: "batch")
    static let update = row.update("batch")
    static let one = Query("SELECT \(columns) FROM batch WHERE id = $1")
    static let all = Query("SELECT \(columns) FROM batch ORDER BY id DESC")
    static let open = Query("SELECT \(columns) FROM batch WHERE state IN (0, 1) ORDER BY id")
    static let inputs = Query(
        "SELECT name, digest, size, packing FROM batch_input WHERE batch = $1 ORDER BY position")
    static let insertInput = Columns("batch position name:t digest:b size packing:t").insert(into: "batch_input")
    static let deleteInputs = Query("DELETE FROM batch_input WHERE batch = $1")
}

extension PostgresTransaction {
    func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord {
        let id = BatchID(rawValue: try first(BatchSQL.nextNumber) { $0.integer() } ?? 1)
        let batch = make(id)
        guard batch.id == id else { throw StoreError.conflict("batch \(batch.id) where \(id) was given") }
        try StoreRules.check(batch)
        try write(BatchSQL.insert) { bind(batch, &$0) }
        try insertInputs(of: batch)
        changedBatches()
        return batch
    }

    func batch(_ id: BatchID) throws -> BatchRecord? {
        try alive()
        if let known = aside.batches[id] { return known }
        let found = try first(BatchSQL.one, { $0.integer(id.rawValue) }, readBatch).map(withInputs)
        if aside.batches.count >= PostgresTransaction.batchesMax { aside.batches.removeAll() }
        aside.batches[id] = found
        return found
    }

    func batches() throws -> [BatchRecord] {
        try all(BatchSQL.all, { _ in }, readBatch).map(withInputs)
    }

    func newestBatch() throws -> BatchID? {
        let next = try first(BatchSQL.nextNumber) { $0.integer() } ?? 1
        return next > 1 ? BatchID(rawValue: next - 1) : nil
    }

    func openBatches() throws -> [BatchRecord] {
        try alive()
        if let known = aside.openBatches { return try known.compactMap { try batch($0) } }
        let found = try all(BatchSQL.open, { _ in }, readBatch).map(withInputs)
        aside.openBatches = found.map(\.id)
        return found
    }

    func updateBatch(_ batch: BatchRecord) throws {
        guard let old = try self.batch(batch.id) else { throw StoreError.missing("batch \(batch.id)") }
        try StoreRules.check(batch)
        changedBatches()
        try write(BatchSQL.update) { bind(batch, &$0) }
        guard old.inputs != batch.inputs else { return }
        try write(BatchSQL.deleteInputs) { $0.integer(batch.id.rawValue) }
        try insertInputs(of: batch)
    }

    private func changedBatches() {
        aside.forgetBatches()
        note.hasBatches = true
    }

    private func insertInputs(of batch: BatchRecord) throws {
        if batch.inputs.isEmpty { return }
        try write(BatchSQL.insertInput) { to in
            for (position, input) in batch.inputs.enumerated() {
                to.integer(batch.id.rawValue)
                to.integer(position)
                to.text(input.name)
                to.digest(input.digest)
                to.integer(input.size)
                to.text(input.packing.rawValue)
            }
        }
    }

    private func withInputs(_ batch: BatchRecord) throws -> BatchRecord {
        var batch = batch
        batch.inputs = try all(BatchSQL.inputs, { $0.integer(batch.id.rawValue) }) { row in
            let name = row.text()
            let digest = try row.digest()
            let size = row.integer()
            guard let packing = InputPacking(rawValue: row.text()) else {
                throw StoreError.corrupt("batch \(batch.id): unknown packing of input \(name)")
            }
            return InputReference(name: name, digest: digest, size: size, packing: packing)
        }
        return batch
    }

    private func bind(_ batch: BatchRecord, _ to: inout Binder) {
        to.integer(batch.id.rawValue)
        to.text(batch.project)
        to.text(batch.title)
        to.text(batch.app)
        to.digest(batch.manifest)
        to.replication(batch.replication)
        switch batch.state {
        case .running: to.integer(0)
        case .assembling: to.integer(1)
        case .finished: to.integer(2)
        case .failed: to.integer(3)
        case .cancelled: to.integer(4)
        }
        if case .failed(let reason) = batch.state { to.text(reason) } else { to.null() }
        to.blob(batch.cursor)
        to.boolean(batch.splitFinished)
        to.integer(batch.workUnitCount)
        to.time(batch.createdAt)
        to.integer(batch.finishedAt?.milliseconds)
    }

    /// Without its inputs.
    private func readBatch(_ row: inout Row) throws -> BatchRecord {
        let id = BatchID(rawValue: row.integer())
        let project = row.text()
        let title = row.text()
        let app = row.text()
        let manifest = try row.digest()
        let replication = try row.replication()
        let code = row.integer()
        let failure = row.text()
        let state: BatchState =
            switch code {
            case 0: .running
            case 1: .assembling
            case 2: .finished
            case 3: .failed(failure)
            case 4: .cancelled
            default: throw StoreError.corrupt("batch \(id): unknown state \(code)")
            }
        return BatchRecord(
            id: id, project: project, title: title, app: app, manifest: manifest, inputs: [],
            replication: replication, state: state, cursor: row.blob(), splitFinished: row.boolean(),
            workUnitCount: row.integer(), createdAt: row.time(),
            finishedAt: row.optionalInteger().map(Timestamp.init(milliseconds:))
        )
    }
}

extension Binder {
    mutating func replication(_ rule: ReplicationRule) {
        integer(rule.quorum)
        integer(rule.initial)
        integer(rule.maxTotal)
        integer(rule.maxErrors)
        integer(rule.deadline.milliseconds)
        switch rule.acceptance {
        case .quorum: acceptance(0, nil)
        case .check: acceptance(1, nil)
        case .adaptive(let adaptive): acceptance(2, adaptive)
        }
    }

    private mutating func acceptance(_ code: Int, _ rule: AdaptiveRule?) {
        integer(code)
        real(rule?.checkRate)
        integer(rule.map { Int64($0.window) })
    }
}

extension Row {
    mutating func replication() throws -> ReplicationRule {
        ReplicationRule(
            quorum: int(), initial: int(), maxTotal: int(), maxErrors: int(),
            deadline: TimeSpan(milliseconds: integer()), acceptance: try acceptance()
        )
    }

    private mutating func acceptance() throws -> AcceptanceRule {
        let code = int()
        let rate = real()
        let window = int()
        switch code {
        case 0: return .quorum
        case 1: return .check
        case 2: return .adaptive(AdaptiveRule(checkRate: rate, window: window))
        default: throw StoreError.corrupt("unknown rule of acceptance \(code)")
        }
    }
}
