import Domain
import Storage
import Testing

/// What every store does when the units of a batch that has ended are removed.
@Suite("store conformance: removal")
struct RemovalConformanceTests {
    private let batch = BatchID(rawValue: 1)
    private let other = BatchID(rawValue: 2)

    private func unit(_ index: Int64) -> WorkUnitID { WorkUnitID(batch: batch, index: index) }

    /// Two batches, the units of the first one over.
    private func bench(_ kind: StoreKind, units: Int64) throws -> StoreBench {
        let bench = try StoreBench(kind)
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            try Samples.addHosts(2, tx)
            for _ in 0..<2 { _ = try tx.insertBatch { Samples.batch($0, state: .finished) } }
            try tx.insertWorkUnits((0..<units).map { ended(batch, $0) })
            try tx.insertWorkUnits((0..<3).map { Samples.unit(other, $0) })
        }
        return bench
    }

    private func ended(_ batch: BatchID, _ index: Int64) -> WorkUnitAggregate {
        var aggregate = Samples.unit(batch, index)
        let canonical = aggregate.tasks[0].id
        aggregate.unit.state = .assembled(canonical: canonical)
        let assignment = Samples.assignment(1, 1)
        aggregate.tasks[0].state = .decided(assignment, Samples.report, Samples.verdict(.valid))
        aggregate.tasks[1].state = index % 2 == 0 ? .notNeeded : .expired(assignment)
        return aggregate
    }

    @Test("a page at a time, from the first on, and nothing else goes", arguments: StoreKind.allCases)
    func pages(kind: StoreKind) throws {
        let bench = try bench(kind, units: 7)
        let before = try bench.store.transaction { try $0.workUnits(of: other, fromIndex: 0, limit: 10) }
        #expect(try bench.store.transaction { try $0.removeWorkUnits(of: batch, limit: 3) } == 3)
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.workUnit(unit(2)) == nil)
            #expect(try tx.workUnit(unit(3)) == ended(batch, 3))
            #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10).map(\.unit.id.index) == [3, 4, 5, 6])
            #expect(try tx.counts(of: batch).assembled == 4)
            #expect(try StoreAudit.differences(tx) == [])
            #expect(try tx.removeWorkUnits(of: batch, limit: 100) == 4)
            #expect(try tx.removeWorkUnits(of: batch, limit: 100) == 0)
            #expect(try tx.removeWorkUnits(of: BatchID(rawValue: 9), limit: 100) == 0)
            #expect(try tx.counts(of: batch) == BatchCounts())
        }
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10).isEmpty)
            #expect(try tx.workUnits(of: other, fromIndex: 0, limit: 10) == before)
            #expect(try tx.batch(batch) != nil)
            #expect(try StoreAudit.differences(tx) == [])
            // They can come back, as they were.
            try tx.insertWorkUnits((0..<7).map { ended(batch, $0) })
            #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10) == (0..<7).map { ended(batch, $0) })
        }
    }

    @Test("units that come back find what their tasks were paid", arguments: StoreKind.allCases)
    func paidBefore(kind: StoreKind) throws {
        let bench = try bench(kind, units: 3)
        let task = TaskID(unit: unit(1), ordinal: 0)
        let entry = try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.ledgerEntries(for: task) == [])
            let entry = try tx.appendLedger(Samples.entry(task, host: 1, amount: 7))
            #expect(try tx.ledgerEntries(for: task) == [entry])
            return entry
        }
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.ledgerEntries(for: task) == [entry])
            #expect(try tx.removeWorkUnits(of: batch, limit: 3) == 3)
            try tx.insertWorkUnits((0..<3).map { ended(batch, $0) })
            #expect(try tx.ledgerEntries(for: task) == [entry])
            #expect(try tx.ledgerEntries(for: TaskID(unit: unit(1), ordinal: 1)) == [])
            #expect(refusal { try tx.appendLedger(Samples.entry(task, host: 1, amount: 7)) } == "duplicate")
        }
    }

    @Test("an entry that is undone was never there", arguments: StoreKind.allCases)
    func undoneEntry(kind: StoreKind) throws {
        struct Stop: Error {}
        let bench = try bench(kind, units: 3)
        let task = TaskID(unit: unit(1), ordinal: 0)
        for isWritten in [false, true] {
            try bench.store.transaction { (tx: any StoreTransaction) throws in
                #expect(throws: Stop.self) {
                    try tx.savepoint { tx in
                        let entry = try tx.appendLedger(Samples.entry(task, host: 1, amount: 7))
                        // Looks at a whole table, and so has all of it written.
                        if isWritten { _ = try tx.ledgerSummary() }
                        #expect(try tx.ledgerEntries(for: task) == [entry])
                        throw Stop()
                    }
                }
                #expect(try tx.ledgerEntries(for: task) == [])
            }
        }
        _ = try bench.store.transaction { try $0.appendLedger(Samples.entry(task, host: 1, amount: 7)) }
    }

    @Test("what is still to come is refused, and then all stays", arguments: StoreKind.allCases)
    func refused(kind: StoreKind) throws {
        let assignment = Samples.assignment(1, 1)
        let states: [(WorkUnitState?, TaskState)] = [
            (.active, .notNeeded), (nil, .sent(assignment)), (nil, .unsent),
            (nil, .reported(assignment, Samples.report, check: .pending)),
        ]
        for (unitState, taskState) in states {
            let bench = try bench(kind, units: 3)
            try bench.store.transaction { (tx: any StoreTransaction) throws in
                try Samples.change(unit(2), tx) { aggregate in
                    if let unitState { aggregate.unit.state = unitState }
                    aggregate.tasks[1].state = taskState
                }
                #expect(refusal { try tx.removeWorkUnits(of: batch, limit: 10) } == "conflict")
                #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10).count == 3)
                #expect(try tx.removeWorkUnits(of: batch, limit: 2) == 2)
                #expect(try StoreAudit.differences(tx) == [])
            }
        }
    }

    @Test("undone, all is as it was, what was changed just before included", arguments: StoreKind.allCases)
    func undone(kind: StoreKind) throws {
        struct Stop: Error {}
        let bench = try bench(kind, units: 4)
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            try Samples.change(unit(1), tx) { $0.unit.updatedAt = Timestamp(milliseconds: 77) }
            try? tx.savepoint { inner in
                try Samples.change(unit(2), inner) { $0.unit.updatedAt = Timestamp(milliseconds: 78) }
                #expect(try inner.removeWorkUnits(of: batch, limit: 10) == 4)
                throw Stop()
            }
            #expect(try tx.workUnit(unit(1))?.unit.updatedAt == Timestamp(milliseconds: 77))
            #expect(try tx.workUnit(unit(2))?.unit.updatedAt == ended(batch, 2).unit.updatedAt)
            #expect(try tx.counts(of: batch).assembled == 4)
        }
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.workUnit(unit(1))?.unit.updatedAt == Timestamp(milliseconds: 77))
            #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10).count == 4)
            #expect(try StoreAudit.differences(tx) == [])
        }
        _ = try? bench.store.transaction { (tx: any StoreTransaction) throws in
            _ = try tx.removeWorkUnits(of: batch, limit: 10)
            throw Stop()
        }
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.workUnit(unit(1))?.unit.updatedAt == Timestamp(milliseconds: 77))
            #expect(try tx.counts(of: batch).assembled == 4)
            #expect(try StoreAudit.differences(tx) == [])
        }
    }

    @Test("thousands in one transaction", arguments: StoreKind.allCases)
    func many(kind: StoreKind) throws {
        let bench = try bench(kind, units: 9000)
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            while try tx.removeWorkUnits(of: batch, limit: 4000) > 0 {}
            #expect(try tx.counts(of: batch) == BatchCounts())
        }
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            #expect(try tx.workUnit(unit(8999)) == nil)
            #expect(try StoreAudit.differences(tx) == [])
        }
    }
}
