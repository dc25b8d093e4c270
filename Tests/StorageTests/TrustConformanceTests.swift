import Domain
import Storage
import Testing

/// Trust, series and provisional credit, for every store.
struct TrustConformanceTests {
    private let batch = BatchID(rawValue: 1)

    private func task(_ index: Int64, batch: Int64 = 1) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: batch), index: index), ordinal: 1)
    }

    @Test("a record is kept by host and app, and replaced", arguments: StoreKind.allCases)
    func records(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(3, tx)
            #expect(try tx.trust(of: HostID(rawValue: 1), app: "pulsar") == nil)
            for host in [3, 1, 2] as [Int64] {
                try tx.saveTrust(Samples.trust(host, app: "b"))
                try tx.saveTrust(Samples.trust(host, app: "a"))
            }
            let order = try tx.trustRecords().map { "\($0.host)\($0.app)" }
            #expect(order == ["1a", "1b", "2a", "2b", "3a", "3b"])
            var record = Samples.trust(2, app: "a")
            record.evidence = 0
            record.lastFailedAt = nil
            record.lastSequence = 77
            try tx.saveTrust(record)
            #expect(try tx.trust(of: record.host, app: "a") == record)
            #expect(try tx.trust(of: record.host, app: "b") == Samples.trust(2, app: "b"))
            #expect(refusal { try tx.saveTrust(Samples.trust(9)) } == "missing")
            record.evidence = .nan
            #expect(refusal { try tx.saveTrust(record) } == "conflict")
            record.evidence = -1
            #expect(refusal { try tx.saveTrust(record) } == "conflict")
        }
    }

    @Test("a series has one entry per task and place, of which only the state changes", arguments: StoreKind.allCases)
    func entries(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            let entry = Samples.series(task(0), host: 1, 1, .provisional)
            try tx.insertSeriesEntry(entry)
            #expect(try tx.seriesEntry(for: task(0)) == entry)
            #expect(try tx.seriesEntry(for: task(1)) == nil)
            #expect(refusal { try tx.insertSeriesEntry(Samples.series(task(0), host: 1, 2, .passed)) } == "duplicate")
            #expect(refusal { try tx.insertSeriesEntry(Samples.series(task(1), host: 1, 1, .passed)) } == "duplicate")
            try tx.insertSeriesEntry(Samples.series(task(1), host: 1, 1, .passed, app: "other"))
            #expect(refusal { try tx.insertSeriesEntry(Samples.series(task(2), host: 9, 1, .passed)) } == "missing")
            #expect(refusal { try tx.insertSeriesEntry(Samples.series(task(2), host: 1, 0, .passed)) } == "conflict")
            for state in SeriesEntry.State.allCases {
                var changed = entry
                changed.state = state
                try tx.updateSeriesEntry(changed)
                #expect(try tx.seriesEntry(for: task(0)) == changed)
                let standing = try tx.standingSeries(in: batch, after: nil, limit: 9)
                #expect(standing == (state.isStanding ? [changed] : []))
                #expect(try tx.firstChecking(of: entry.host, app: entry.app) == (state == .checking ? 1 : nil))
            }
            var moved = entry
            moved.sequence = 5
            #expect(refusal { try tx.updateSeriesEntry(moved) } == "conflict")
            #expect(refusal { try tx.updateSeriesEntry(Samples.series(task(7), host: 1, 1, .passed)) } == "missing")
        }
    }

    @Test("what stands is found by series and by batch, in order", arguments: StoreKind.allCases)
    func standing(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            // Sequence and task number run against each other, and another batch, app and host lie between.
            for index in 0..<10 as Range<Int64> {
                let state: SeriesEntry.State =
                    index == 4 || index == 7 ? .checking : index == 5 ? .failed : .provisional
                try tx.insertSeriesEntry(Samples.series(task(index), host: 1, 10 - index, state))
                try tx.insertSeriesEntry(Samples.series(task(index, batch: 2), host: 1, 20 - index, .audited))
                try tx.insertSeriesEntry(Samples.series(task(index, batch: 3), host: 2, index + 1, .audited, app: "b"))
            }
            let one = HostID(rawValue: 1)
            func sequences(_ through: Int64, _ limit: Int) throws -> [Int64] {
                try tx.standingSeries(of: one, app: "pulsar", through: through, limit: limit).map(\.sequence)
            }
            #expect(try sequences(12, 99) == [1, 2, 4, 7, 8, 9, 10, 11, 12])
            #expect(try sequences(12, 3) == [1, 2, 4])
            #expect(try sequences(0, 9).isEmpty)
            #expect(try sequences(.max, .max).count == 17)
            #expect(try tx.firstChecking(of: one, app: "pulsar") == 3)
            #expect(try tx.firstChecking(of: one, app: "b") == nil)
            let first = try tx.standingSeries(in: batch, after: nil, limit: 4).map(\.task.unit.index)
            #expect(first == [0, 1, 2, 3])
            let next = try tx.standingSeries(in: batch, after: task(3), limit: 99).map(\.task.unit.index)
            #expect(next == [6, 8, 9])
            #expect(try tx.standingSeries(in: batch, after: task(9), limit: 99).isEmpty)
        }
    }

    @Test("provisional credit has its own account, and each kind comes once for a task", arguments: StoreKind.allCases)
    func ledger(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(1, tx)
            func add(_ kind: LedgerKind, _ index: Int64, _ amount: Int64) throws {
                _ = try tx.appendLedger(Samples.entry(task(index), host: 1, amount: amount, kind: kind))
            }
            try add(.hold, 0, 10)
            try add(.hold, 1, 20)
            try add(.hold, 2, 40)
            try add(.release, 0, 10)
            try add(.void, 1, 20)
            try add(.grant, 1, 20)
            #expect(try tx.ledgerEntries(for: task(1)).map(\.kind) == [.hold, .void, .grant])
            #expect(try tx.ledgerEntries(for: task(1)).map(\.number) == [2, 5, 6])
            #expect(refusal { try add(.void, 1, 20) } == "duplicate")
            var wrong = Samples.entry(task(3), host: 1, amount: 5, kind: .hold)
            wrong.kind = .grant
            #expect(refusal { try tx.appendLedger(wrong) } == "conflict")
            let host = HostID(rawValue: 1)
            #expect(try tx.balance(of: .host(host)).microcobblestones == 30)
            #expect(try tx.balance(of: .provisional(host)).microcobblestones == 40)
            #expect(try tx.balance(of: .project("gamma")).microcobblestones == -70)
            let summary = try tx.ledgerSummary()
            #expect(summary.granted.microcobblestones == 30)
            #expect(summary.provisional.microcobblestones == 40)
            #expect(summary.entries == 6)
            let kinds = try tx.ledger(fromNumber: 1, limit: 99).map(\.kind)
            #expect(kinds == [.hold, .hold, .hold, .release, .void, .grant])
        }
    }

    @Test("the log numbers its leaves from 0, and goes with its transaction", arguments: StoreKind.allCases)
    func log(kind: StoreKind) throws {
        struct Undo: Error {}
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            #expect(try tx.logLeafCount() == 0)
            #expect(try tx.logEdge() == nil)
            #expect(try tx.appendLogLeaf([]) == 0)
            #expect(try tx.appendLogLeaf([1, 2]) == 1)
            try tx.saveLogEdge([5])
        }
        try? bench.store.transaction { tx in
            #expect(try tx.appendLogLeaf([3]) == 2)
            try tx.saveLogEdge([6, 7])
            throw Undo()
        }
        try bench.store.transaction { tx in
            let position = try tx.appendLogLeaf([4])
            #expect(position == 2)
            #expect(try tx.logLeaves(from: 0, limit: 9) == [[], [1, 2], [4]])
            #expect(try tx.logLeaves(from: 1, limit: 1) == [[1, 2]])
            #expect(try tx.logLeaves(from: 3, limit: 9).isEmpty)
            #expect(try tx.logEdge() == [5])
        }
    }
}
