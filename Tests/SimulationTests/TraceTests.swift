import Simulation
import StorageSQLite
import Testing

@Suite("Same seed, same trace")
struct TraceTests {
    @Test("Twice the same", arguments: [1, 2, 3] as [UInt64])
    func twice(seed: UInt64) throws {
        #expect(try Simulator.runTwice(seed: seed, options: SimOptions()).violation == nil)
        #expect(try Simulator.runTwice(seed: seed, options: .swarm(seed: seed)).violation == nil)
    }

    @Test("Other seeds, other traces")
    func differ() throws {
        let hashes = try (1...8).map { try Simulator.run(seed: $0, options: SimOptions()).traceHash }
        #expect(Set(hashes).count == 8)
    }

    @Test("SQLite in place of the memory twin gives the same trace", arguments: [4, 5, 6] as [UInt64])
    func stores(seed: UInt64) throws {
        let options = SimOptions.swarm(seed: seed)
        let memory = try Simulator.run(seed: seed, options: options)
        let sqlite = try Simulator.run(seed: seed, options: options, store: { try SQLiteStore.inMemory() })
        #expect(sqlite.violation == nil)
        #expect(sqlite.traceHash == memory.traceHash)
    }

    @Test("Showing the trace does not change it")
    func shown() throws {
        var lines = 0
        let options = SimOptions.swarm(seed: 7)
        let shown = try Simulator.run(seed: 7, options: options, show: { _ in lines += 1 })
        #expect(shown.traceHash == (try Simulator.run(seed: 7, options: options)).traceHash)
        #expect(lines > shown.events / 2)
    }

    /// The same on every machine. When a core, a population or an edge changes what it does, these change with it, and
    /// are renewed here: the failure shows the new ones.
    static let golden: [(UInt64, String)] = [
        (1, "e13e79d37b08672b"),
        (2, "5d39bb245ff5b259"),
        (3, "87e1740b18f0a701"),
        (4, "0fe0f750ddb78ec3"),
        (5, "1e272540e66f1d09"),
        (6, "79783e08a8e3e527"),
    ]

    @Test("Golden traces")
    func goldenTraces() throws {
        for (seed, hash) in TraceTests.golden {
            let report = try Simulator.run(seed: seed, options: .swarm(seed: seed))
            #expect(Simulator.hex(report.traceHash) == hash, "seed \(seed)")
        }
        #expect(TraceTests.golden.count >= 4)
    }
}
