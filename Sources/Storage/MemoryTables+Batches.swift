import Domain

extension MemoryTables {
    func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord {
        let id = BatchID(rawValue: Int64(batchRows.count) + 1)
        let batch = make(id)
        guard batch.id == id else { throw StoreError.conflict("batch \(batch.id) where \(id) was given") }
        try StoreRules.check(batch)
        append(batch, to: \.batchRows)
        return batch
    }

    func batch(_ id: BatchID) throws -> BatchRecord? {
        row(id.rawValue, of: batchRows)
    }

    func batches() throws -> [BatchRecord] { batchRows.reversed() }

    func newestBatch() throws -> BatchID? { batchRows.last?.id }

    func openBatches() throws -> [BatchRecord] {
        batchRows.filter { $0.state == .running || $0.state == .assembling }
    }

    func updateBatch(_ batch: BatchRecord) throws {
        guard try self.batch(batch.id) != nil else { throw StoreError.missing("batch \(batch.id)") }
        try StoreRules.check(batch)
        set(row: Int(batch.id.rawValue) - 1, of: \.batchRows, to: batch)
    }

    /// The row with a number, in a table numbered from 1.
    func row<Row>(_ number: Int64, of rows: [Row]) -> Row? {
        number >= 1 && number <= Int64(rows.count) ? rows[Int(number) - 1] : nil
    }
}
