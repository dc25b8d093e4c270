import Domain
import Storage
import StorageSQLite
import Testing

/// The same random calls on a store in memory and on SQLite give the same answers and the same end.
@Suite("random operations: SQLite against memory")
struct StorePropertyTests {
    private struct Stop: Error {}

    /// A few calls, some of them in savepoints, some of which throw, nested up to three deep.
    private func part(_ random: inout TestGenerator, depth: Int, _ tx: any StoreTransaction) throws -> [String] {
        var answers: [String] = []
        for _ in 0..<random.below(8) {
            guard depth < 3, random.below(6) == 0 else {
                answers.append(RandomOperation.draw(&random).apply(tx))
                continue
            }
            do {
                answers += try tx.savepoint { try part(&random, depth: depth + 1, $0) }
            } catch is Stop {
                answers.append("undone")
            }
        }
        if random.below(5) == 0 { throw Stop() }
        return answers
    }

    private func play(seed: UInt64, on store: any Store) throws -> [String] {
        var random = TestGenerator(seed: seed)
        var answers: [String] = []
        for _ in 0..<60 {
            do {
                answers += try store.transaction { try part(&random, depth: 0, $0) }
            } catch is Stop {
                answers.append("rolled back")
            }
        }
        return answers
    }

    @Test(arguments: UInt64(0)..<40)
    func sameAnswers(seed: UInt64) throws {
        let folder = try ScratchFolder()
        let memory = MemoryStore()
        let path = folder.file("test.sqlite")
        let expected = try play(seed: seed, on: memory)
        #expect(expected.count > 60)
        let end = try memory.transaction { try Samples.dump($0) }
        #expect(try memory.transaction { try counterDifferences($0) } == [])
        do {
            let store = seed.isMultiple(of: 4) ? try SQLiteStore(path: path) : try SQLiteStore.inMemory()
            try compare(try play(seed: seed, on: store), expected, "answers of seed \(seed)")
            try compare(try store.transaction { try Samples.dump($0) }, end, "end of seed \(seed)")
            #expect(try store.transaction { try counterDifferences($0) } == [])
        }
        if seed.isMultiple(of: 4) {
            let again = try SQLiteStore(path: path)
            try compare(try again.transaction { try Samples.dump($0) }, end, "end of seed \(seed), opened again")
        }
    }

    /// Hosts change their owner here, volunteers keep their credit, and units stand without a series, so only hosts and
    /// counters must agree.
    private func counterDifferences(_ tx: any StoreTransaction) throws -> [String] {
        try StoreAudit.differences(tx).filter { line in
            !line.hasPrefix("volunteer ") && !line.hasPrefix("ledger summary") && !line.contains("series")
        }
    }

    private func compare(_ found: [String], _ expected: [String], _ what: Comment) throws {
        if found == expected { return }
        let at = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
        Issue.record("\(what): \(String(describing: at)), \(found.count) and \(expected.count) lines")
    }

    @Test("the calls reach what they should: nothing is always refused")
    func coverage() throws {
        var seen: [String: Int] = [:]
        for seed in UInt64(0)..<24 {
            for answer in try play(seed: seed, on: MemoryStore()) {
                seen[String(answer.prefix { $0 != "(" }), default: 0] += 1
            }
        }
        let kinds = [
            "done", "undone", "rolled back", "duplicate", "conflict", "missing", "BatchRecord", "LedgerEntry",
            "HostRecord", "VolunteerRecord", "BatchCounts", "no unit", "no entry", "TeamRecord",
        ]
        for kind in kinds { #expect(seen[kind, default: 0] >= 20, "\(kind): \(seen)") }
    }
}
