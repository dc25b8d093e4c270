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

    /// Everything that memory keeps of open work, as one text.
    private static func openWork(_ store: SQLiteStore, hosts: [HostID]) throws -> String {
        try store.transaction { tx in
            let unsent = try tx.unsentNumbers(after: TaskID(rawValue: -1), limit: 200_000)
            let out = try hosts.map { try tx.sentTasks(of: $0).map(\.id) }
            let counts = try tx.inProgressCounts().sorted { $0.key < $1.key }
            let overdue = try tx.overdueTasks(before: Timestamp(seconds: 1 << 40), limit: 9)
            return "\(unsent) \(out) \(counts) \(overdue) \(try tx.counts(of: BatchID(rawValue: 1)))"
        }
    }

    @Test("Undone after more changes than are remembered, alone or with the whole transaction, memory is as the file")
    func overflow() throws {
        let folder = try ScratchFolder()
        let path = folder.file("test.sqlite")
        let count: Int64 = 20_000
        var store: SQLiteStore? = try SQLiteStore(path: path)
        let (batch, host) = try #require(
            try store?.transaction { tx in
                let batch = try tx.insertBatch { Samples.batch($0) }
                let volunteer = try tx.insertVolunteer { Samples.volunteer($0) }
                let host = try tx.insertHost { Samples.host($0, of: volunteer.id) }
                try tx.insertWorkUnits((0..<count).map { Samples.unit(batch.id, $0, tasks: 1) })
                return (batch.id, host)
            })
        struct Stop: Error {}
        func send(_ index: Int64, _ tx: any StoreTransaction) throws {
            var unit = try #require(try tx.workUnit(WorkUnitID(batch: batch, index: index)))
            unit.unit.state = .active
            let deadline = Timestamp(seconds: 2000 + index)
            unit.tasks[0].state = .sent(
                Assignment(
                    host: host.id, volunteer: host.volunteer, sentAt: Timestamp(seconds: 1000), deadline: deadline))
            try tx.saveWorkUnit(unit)
        }
        func cancelAll(_ tx: any StoreTransaction) throws {
            for index in 10..<count {
                var unit = try #require(try tx.workUnit(WorkUnitID(batch: batch, index: index)))
                unit.unit.state = .cancelled
                unit.tasks[0].state = .notNeeded
                try tx.saveWorkUnit(unit)
            }
            throw Stop()
        }
        // The large part is undone, what came before and after it stays.
        try store?.transaction { tx in
            try tx.savepoint { try send(0, $0) }
            #expect(throws: Stop.self) { try tx.savepoint { try cancelAll($0) } }
            try tx.savepoint { try send(1, $0) }
        }
        // The large part is undone, then everything, with and without further changes in between.
        for goesOn in [false, true] {
            do {
                try store?.transaction { tx in
                    try send(2, tx)
                    #expect(throws: Stop.self) { try tx.savepoint { try cancelAll($0) } }
                    if goesOn { try send(3, tx) }
                    throw Stop()
                }
                Issue.record("nothing was thrown")
            } catch is Stop {}
            #expect(try store?.transaction { try $0.sentTasks(of: host.id).count } == 2)
        }
        let inMemory = try Self.openWork(try #require(store), hosts: [host.id])
        #expect(try store?.transaction { try StoreAudit.differences($0) } == [])
        store = nil
        let again = try SQLiteStore(path: path)
        #expect(try Self.openWork(again, hosts: [host.id]) == inMemory)
        let counts = try again.transaction { try $0.counts(of: batch) }
        #expect(counts.active == 2 && counts.ready == count - 2 && counts.tasksOut == 2)
    }
}
