import Domain
import Storage
import Testing

/// What every store does with records, one by one.
@Suite("store conformance: records")
struct StoreConformanceTests {
    private struct Stop: Error {}

    @Test("a body that throws leaves nothing behind", arguments: StoreKind.allCases)
    func rollback(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let before = try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            let batch = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits([Samples.unit(batch.id, 0)])
            return try Samples.dump(tx)
        }
        #expect(throws: Stop.self) {
            try bench.store.transaction { tx in
                try Samples.addHosts(1, tx)
                let unit = WorkUnitID(batch: BatchID(rawValue: 1), index: 0)
                try Samples.change(unit, tx) {
                    $0.tasks[0].state = .sent(Samples.assignment(1, 1))
                    $0.unit.state = .active
                }
                let batch = try tx.insertBatch { Samples.batch($0) }
                try tx.insertWorkUnits([Samples.unit(batch.id, 0), Samples.unit(batch.id, 5)])
                _ = try tx.appendLedger(Samples.entry(TaskID(unit: unit, ordinal: 0), host: 1, amount: 5))
                var host = try #require(try tx.host(HostID(rawValue: 1)))
                host.publicKey[31] = 1
                try tx.updateHost(host)
                throw Stop()
            }
        }
        #expect(try bench.store.transaction { try Samples.dump($0) } == before)
        #expect(try bench.store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("a savepoint that throws is undone alone; savepoints nest", arguments: StoreKind.allCases)
    func savepoints(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            _ = try tx.savepoint { try $0.insertVolunteer { Samples.volunteer($0, name: "kept") } }
            #expect(throws: Stop.self) {
                try tx.savepoint { tx in
                    _ = try tx.insertVolunteer { Samples.volunteer($0, name: "lost") }
                    _ = try tx.savepoint { try $0.insertVolunteer { Samples.volunteer($0, name: "inner") } }
                    throw Stop()
                }
            }
            try tx.savepoint { tx in
                #expect(throws: Stop.self) {
                    try tx.savepoint { tx in
                        _ = try tx.insertVolunteer { Samples.volunteer($0, name: "lost too") }
                        throw Stop()
                    }
                }
                _ = try tx.insertVolunteer { Samples.volunteer($0, name: "second") }
            }
        }
        let names = try bench.store.transaction { tx in
            try (1...4).map { try tx.volunteer(VolunteerID(rawValue: $0))?.name }
        }
        #expect(names == ["kept", "second", nil, nil])
    }

    @Test("a transaction inside a transaction is refused", arguments: StoreKind.allCases)
    func nesting(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { _ in
            #expect(refusal { try bench.store.transaction { _ in } } == "conflict")
        }
        #expect(refusal { try bench.store.transaction { _ in } } == nil)
    }

    @Test("batches keep every field", arguments: StoreKind.allCases)
    func batches(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let states: [BatchState] = [.running, .assembling, .finished, .failed(""), .failed("no\0photons"), .cancelled]
        try bench.store.transaction { tx in
            #expect(try tx.newestBatch() == nil)
            #expect(try tx.newestBatches(limit: 3).isEmpty)
            var made: [BatchRecord] = []
            for state in states { made.append(try tx.insertBatch { Samples.batch($0, state: state) }) }
            #expect(made.map(\.id.rawValue) == [1, 2, 3, 4, 5, 6])
            #expect(try tx.batches() == made.reversed())
            #expect(try tx.newestBatches(limit: 2) == [made[5].id, made[4].id])
            #expect(try tx.newestBatches(limit: 9) == made.reversed().map(\.id))
            #expect(try tx.newestBatches(limit: 0).isEmpty)
            #expect(try tx.openBatches() == [made[0], made[1]])
            #expect(try made.map { try tx.batch($0.id) } == made)

            var changed = made[0]
            changed.cursor = [0, 255, 7]
            changed.splitFinished = true
            changed.workUnitCount = 32
            changed.state = .finished
            changed.finishedAt = Timestamp(milliseconds: -1)
            changed.inputs.removeLast()
            changed.title = "é ≠ e\u{301}"
            try tx.updateBatch(changed)
            #expect(try tx.batch(changed.id) == changed)
            #expect(try tx.batch(made[1].id) == made[1])
            #expect(try tx.openBatches() == [made[1]])

            #expect(try tx.batch(BatchID(rawValue: 9)) == nil)
            #expect(refusal { try tx.updateBatch(Samples.batch(BatchID(rawValue: 9))) } == "missing")
            #expect(refusal { try tx.insertBatch { _ in Samples.batch(BatchID(rawValue: 9)) } } == "conflict")
        }
    }

    @Test("volunteers and hosts keep every field and their keys", arguments: StoreKind.allCases)
    func hosts(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            var ada = try #require(try tx.volunteer(VolunteerID(rawValue: 1)))
            ada.name = "Ad\u{e9}"
            ada.credit = Credit(microcobblestones: 99)
            ada.recent = RecentAverage(perDay: 0.1, at: Timestamp(milliseconds: 12))
            ada.showsHosts = true
            try tx.updateVolunteer(ada)
            #expect(try tx.volunteer(ada.id) == ada)
            ada.erasedAt = Timestamp(milliseconds: 0)
            ada.name = "volunteer 2"
            try tx.updateVolunteer(ada)
            #expect(try tx.volunteers().map(\.name) == ["volunteer 2", "volunteer 2"], "names are no keys")
            #expect(try tx.volunteers().map(\.erasedAt) == [Timestamp(milliseconds: 0), nil])
            let namesake = try tx.insertVolunteer { Samples.volunteer($0, name: "volunteer 2") }
            #expect(namesake.id.rawValue == 3)
            #expect(refusal { try tx.updateVolunteer(Samples.volunteer(VolunteerID(rawValue: 7))) } == "missing")

            var host = try #require(try tx.host(HostID(rawValue: 1)))
            #expect(host == Samples.host(HostID(rawValue: 1), of: VolunteerID(rawValue: 1)))
            let oldKey = host.publicKey
            host.publicKey = [UInt8](repeating: 0, count: 32)
            host.volunteer = VolunteerID(rawValue: 2)
            host.measuredFlopsPerSecond = .infinity
            host.validCount = 3
            host.invalidCount = 4
            host.errorCount = 5
            host.recent = RecentAverage(perDay: 1.0 / 3, at: Timestamp(milliseconds: -5))
            host.sequence = .max
            host.profile.name = ""
            host.profile.cores = 7
            host.removedAt = Timestamp(milliseconds: 77)
            try tx.updateHost(host)
            #expect(try tx.host(host.id) == host)
            #expect(try tx.host(publicKey: host.publicKey) == host)
            #expect(try tx.host(publicKey: oldKey) == nil)
            #expect(try tx.hosts().map(\.id.rawValue) == [1, 2])
            #expect(try tx.hosts(of: VolunteerID(rawValue: 2)).map(\.id.rawValue) == [1, 2])
            #expect(try tx.hosts(of: VolunteerID(rawValue: 1)).isEmpty)
            #expect(try tx.volunteers().map(\.name) == ["volunteer 2", "volunteer 2", "volunteer 2"])

            let one = VolunteerID(rawValue: 1)
            #expect(refusal { try tx.insertHost { Samples.host($0, of: one, key: 2) } } == "duplicate")
            #expect(refusal { try tx.insertHost { Samples.host($0, of: VolunteerID(rawValue: 8)) } } == "missing")
            #expect(refusal { try tx.updateHost(Samples.host(HostID(rawValue: 8), of: one)) } == "missing")
            host.publicKey = try #require(try tx.host(HostID(rawValue: 2))).publicKey
            #expect(refusal { try tx.updateHost(host) } == "duplicate")
            host.publicKey = [1, 2, 3]
            #expect(refusal { try tx.updateHost(host) } == "conflict")
            let third = try tx.insertHost { Samples.host($0, of: one, key: 200) }
            #expect(third.id.rawValue == 3, "a refused host uses up no number")
        }
    }

    @Test(
        "the ledger numbers, refuses a second entry of a kind for a task, and balances", arguments: StoreKind.allCases)
    func ledger(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let tasks = (0..<5).map { TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 3), ordinal: $0) }
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            for (at, amount) in [100, 20, 3].enumerated() {
                let entry = try tx.appendLedger(
                    Samples.entry(tasks[at], host: Int64(at % 2 + 1), amount: Int64(amount)))
                #expect(entry.number == Int64(at + 1))
                #expect(try tx.ledgerEntries(for: tasks[at]) == [entry])
            }
            var back = Samples.entry(tasks[3], host: 1, amount: 50, project: "other")
            swap(&back.debit, &back.credit)
            _ = try tx.appendLedger(back)
            #expect(refusal { try tx.appendLedger(Samples.entry(tasks[1], host: 1, amount: 1)) } == "duplicate")
            #expect(refusal { try tx.appendLedger(Samples.entry(tasks[4], host: 9, amount: 1)) } == "missing")
            #expect(refusal { try tx.appendLedger(Samples.entry(tasks[4], host: 1, amount: -1)) } == "conflict")
            #expect(try tx.ledgerEntries(for: tasks[4]).isEmpty)

            #expect(try tx.balance(of: .host(HostID(rawValue: 1))).microcobblestones == 53)
            #expect(try tx.balance(of: .host(HostID(rawValue: 2))).microcobblestones == 20)
            #expect(try tx.balance(of: .project("gamma")).microcobblestones == -123)
            #expect(try tx.balance(of: .project("other")).microcobblestones == 50)
            #expect(try tx.balance(of: .project("none")) == .zero)
            #expect(try tx.ledger(fromNumber: 2, limit: 2).map(\.number) == [2, 3])
            #expect(try tx.ledger(fromNumber: -5, limit: 9).map(\.number) == [1, 2, 3, 4])
            #expect(try tx.ledger(fromNumber: 5, limit: 9).isEmpty)
            let summary = try tx.ledgerSummary()
            #expect(summary.entries == 4)
            #expect(summary.granted.microcobblestones == 73)
            #expect(summary.hostsTotal == .zero)
            #expect(try StoreAudit.differences(tx).count == 9, "host and volunteer rows do not know it yet")
        }
    }
}
