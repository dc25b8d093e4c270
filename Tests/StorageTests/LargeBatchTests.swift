import Domain
import Storage
import StorageSQLite
import Testing

@Suite("A transaction that passes a whole large batch")
struct LargeBatchTests {
    @Test("Keeps a bounded number of units in memory, and saves and reads right all the same")
    func bounded() throws {
        let store = try SQLiteStore.inMemory()
        let count: Int64 = 10_000
        let batch = try store.transaction { tx in
            let batch = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits((0..<count).map { Samples.unit(batch.id, $0, tasks: 1) })
            return batch.id
        }
        try store.transaction { tx in
            for index in 0..<count {
                var aggregate = try #require(try tx.workUnit(WorkUnitID(batch: batch, index: index)))
                aggregate.unit.state = .cancelled
                aggregate.tasks[0].state = .notNeeded
                try tx.saveWorkUnit(aggregate)
                #expect(store.unitsUnwritten <= 4096)
            }
            // What was forgotten is read as it was saved.
            let first = try #require(try tx.workUnit(WorkUnitID(batch: batch, index: 0)))
            #expect(first.unit.state == .cancelled && first.unit.revision == 1)
        }
        #expect(try store.transaction { try $0.counts(of: batch).cancelled } == count)
        #expect(try store.transaction { try StoreAudit.differences($0) } == [])
    }
}
