import Domain
import Storage

private enum BatchSQL {
    static let columns = """
        id, project, title, app, manifest, quorum, initial_tasks, max_total, max_errors, deadline_ms, acceptance,
        check_rate, check_window, state, failure, cursor, split_finished, work_unit_count, created_ms, finished_ms
        """
    static let nextNumber = Query("SELECT coalesce(max(id), 0) + 1 FROM batch")
    static let insert = Query("INSERT INTO batch (\(columns)) VALUES (\(WorkUnitColumns.marks(20)))")
    static let update = Query(
        """
        UPDATE batch SET project = ?2, title = ?3, app = ?4, manifest = ?5, quorum = ?6, initial_tasks = ?7,
            max_total = ?8, max_errors = ?9, deadline_ms = ?10, acceptance = ?11, check_rate = ?12,
            check_window = ?13, state = ?14, failure = ?15, cursor = ?16, split_finished = ?17,
            work_unit_count = ?18, created_ms = ?19, finished_ms = ?20
        WHERE id = ?1
        """)
    static let one = Query("SELECT \(columns) FROM batch WHERE id = ?")
    static let all = Query("SELECT \(columns) FROM batch ORDER BY id DESC")
    static let open = Query("SELECT \(columns) FROM batch INDEXED BY batch_open WHERE state IN (0, 1) ORDER BY id")
    static let inputs = Query(
        "SELECT name, digest, size, packing FROM batch_input WHERE batch = ? ORDER BY position")
    static let insertInput = Query(
        "INSERT INTO batch_input (batch, position, name, digest, size, packing) VALUES (?, ?, ?, ?, ?, ?)")
    static let deleteInputs = Query("DELETE FROM batch_input WHERE batch = ?")
}

extension SQLiteTransaction {
    func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord {
        let id = BatchID(rawValue: try connection.first(BatchSQL.nextNumber) { $0.integer() } ?? 1)
        let batch = make(id)
        guard batch.id == id else { throw StoreError.conflict("batch \(batch.id) where \(id) was given") }
        try StoreRules.check(batch)
        try write(BatchSQL.insert) { bind(batch, &$0) }
        try insertInputs(of: batch)
        openBatchIDs = nil
        return batch
    }

    func batch(_ id: BatchID) throws -> BatchRecord? {
        try alive()
        if let known = batchRows[id] { return known }
        let found = try connection.first(BatchSQL.one, { $0.integer(id.rawValue) }, readBatch).map(withInputs)
        if batchRows.count >= SQLiteTransaction.batchesMax { batchRows.removeAll() }
        batchRows[id] = found
        return found
    }

    func batches() throws -> [BatchRecord] {
        try connection.all(BatchSQL.all, readBatch).map(withInputs)
    }

    func newestBatch() throws -> BatchID? {
        let next = try connection.first(BatchSQL.nextNumber) { $0.integer() } ?? 1
        return next > 1 ? BatchID(rawValue: next - 1) : nil
    }

    func openBatches() throws -> [BatchRecord] {
        try alive()
        if let known = openBatchIDs { return try known.compactMap { try batch($0) } }
        let found = try connection.all(BatchSQL.open, readBatch).map(withInputs)
        openBatchIDs = found.map(\.id)
        return found
    }

    func updateBatch(_ batch: BatchRecord) throws {
        guard let old = try self.batch(batch.id) else { throw StoreError.missing("batch \(batch.id)") }
        try StoreRules.check(batch)
        batchRows[batch.id] = nil
        openBatchIDs = nil
        try write(BatchSQL.update) { bind(batch, &$0) }
        guard old.inputs != batch.inputs else { return }
        try write(BatchSQL.deleteInputs) { $0.integer(batch.id.rawValue) }
        try insertInputs(of: batch)
    }

    private func insertInputs(of batch: BatchRecord) throws {
        for (position, input) in batch.inputs.enumerated() {
            try write(BatchSQL.insertInput) {
                $0.integer(batch.id.rawValue)
                $0.integer(position)
                $0.text(input.name)
                $0.digest(input.digest)
                $0.integer(input.size)
                $0.text(input.packing.rawValue)
            }
        }
    }

    private func withInputs(_ batch: BatchRecord) throws -> BatchRecord {
        var batch = batch
        batch.inputs = try connection.all(BatchSQL.inputs, { $0.integer(batch.id.rawValue) }) { row in
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
