import Domain
import Storage
import Testing

/// Stores write of a row what has changed: whatever it was before, the table says afterwards what it is.
@Suite("store conformance: changed rows")
struct ChangedRowTests {
    private let batch = BatchID(rawValue: 1)

    private func task(_ ordinal: Int) -> TaskID {
        TaskID(unit: WorkUnitID(batch: batch, index: 0), ordinal: ordinal)
    }

    private func bench(_ kind: StoreKind, _ units: [WorkUnitAggregate]) throws -> StoreBench {
        let bench = try StoreBench(kind)
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            try Samples.addHosts(3, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits(units)
        }
        return bench
    }

    /// Saves, and reads from the table.
    private func expectSaved(
        _ index: Int64, in store: any Store, _ body: (inout WorkUnitAggregate) -> Void
    ) throws {
        try store.transaction { (tx: any StoreTransaction) throws in
            var expected = try Samples.change(WorkUnitID(batch: batch, index: index), tx, body)
            expected.unit.revision += 1
            #expect(try tx.workUnits(of: batch, fromIndex: index, limit: 1) == [expected])
        }
    }

    @Test("tasks, from every state to every other", arguments: StoreKind.allCases)
    func tasks(kind: StoreKind) throws {
        var other = Samples.report
        other.result = Samples.digest(78)
        other.fingerprint = "another"
        let states =
            Samples.states(host: 2, volunteer: 3, other: task(1))
            + Samples.states(host: 1, volunteer: 1, other: task(0))
            + [.decided(Samples.assignment(2, 3), other, Samples.verdict(.valid))]
        #expect(states.count <= 64)
        let units = states.indices.map { first in
            var unit = Samples.unit(batch, Int64(first), tasks: states.count)
            for at in states.indices { unit.tasks[at].state = states[first] }
            return unit
        }
        let bench = try bench(kind, units)
        for first in states.indices {
            try expectSaved(Int64(first), in: bench.store) { unit in
                for at in states.indices { unit.tasks[at].state = states[at] }
            }
        }
    }

    @Test("units, from every state to every other", arguments: StoreKind.allCases)
    func units(kind: StoreKind) throws {
        let states: [WorkUnitState] = [
            .ready, .active, .comparing, .provisional(task(0)), .validated(canonical: task(0)),
            .validated(canonical: task(1)), .assembled(canonical: task(0)), .purged(canonical: task(1)), .cancelled,
            .failed(.tooManyErrors), .failed(.noAgreement), .failed(.unusable("a text")), .failed(.unusable("another")),
        ]
        let bench = try bench(kind, [Samples.unit(batch, 0)])
        for first in states {
            for second in states {
                try expectSaved(0, in: bench.store) { $0.unit.state = first }
                try expectSaved(0, in: bench.store) { $0.unit.state = second }
            }
        }
    }

    @Test("hosts, each part alone and all together", arguments: StoreKind.allCases)
    func hosts(kind: StoreKind) throws {
        let bench = try bench(kind, [])
        let changes: [(inout HostRecord) -> Void] = [
            { $0.profile = .erased }, { $0.volunteer = VolunteerID(rawValue: 3) }, { $0.profile.name = "another" },
            { $0.publicKey = [UInt8](repeating: 77, count: 32) }, { $0.validCount += 1 }, { $0.sequence += 1 },
            { $0.removedAt = Timestamp(milliseconds: 99) }, { $0.measuredFlopsPerSecond = 5 },
        ]
        func expectSaved(_ change: (inout HostRecord) -> Void) throws {
            try bench.store.transaction { (tx: any StoreTransaction) throws in
                var host = try #require(try tx.host(HostID(rawValue: 1)))
                change(&host)
                try tx.updateHost(host)
                #expect(try tx.hosts().first == host)
            }
        }
        for change in changes { try expectSaved(change) }
        try expectSaved { host in
            host.volunteer = VolunteerID(rawValue: 2)
            host.profile.clientVersion = "2"
            host.sequence += 1
        }
    }

    /// A new key is written at once, and all of the row with it.
    @Test("a part that goes back to what it was, behind a new key", arguments: StoreKind.allCases)
    func backAgain(kind: StoreKind) throws {
        let bench = try bench(kind, [])
        try bench.store.transaction { (tx: any StoreTransaction) throws in
            var host = try #require(try tx.host(HostID(rawValue: 1)))
            let profile = host.profile
            host.publicKey = [UInt8](repeating: 77, count: 32)
            host.profile = .erased
            try tx.updateHost(host)
            host.profile = profile
            try tx.updateHost(host)
            #expect(try tx.hosts().first == host)
        }
    }
}
