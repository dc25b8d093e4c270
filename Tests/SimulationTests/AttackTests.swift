import Simulation
import Testing

/// Few seeds and few results each: that the measurement measures. The table of docs/simulator.md has a thousand.
@Suite("Attacks")
struct AttackTests {
    static func report(
        _ kind: AttackKind, seeds: ClosedRange<UInt64> = 1...8, results: Int = 150,
        change: (inout AttackOptions) -> Void = { _ in }
    ) throws -> AttackReport {
        var options = AttackOptions(kind: kind)
        options.seeds = seeds
        options.checkRate = 0.2
        options.window = 20
        options.results = results
        change(&options)
        return try AttackSweep(options).run()
    }

    @Test(
        "The same seeds give the same table, others another", arguments: [AttackKind.lazy, .sybil, .collude, .copycat])
    func seeded(kind: AttackKind) throws {
        let first = try AttackTests.report(kind, seeds: 1...3)
        #expect(try AttackTests.report(kind, seeds: 1...3) == first)
        if kind == .collude { #expect(try AttackTests.report(kind, seeds: 4...6).rows != first.rows) }
        #expect(first.rows.allSatisfy { $0.results > 0 && $0.low <= $0.share && $0.share <= $0.high })
        #expect(first.text.split(separator: "\n").count >= first.rows.count + 4)
        #expect(first.json.hasPrefix("{"))
    }

    @Test("BOINC's rule is farmed: nine forged results of twenty")
    func baseline() throws {
        let report = try AttackTests.report(.farm, seeds: 1...40) { $0.only = "honest" }
        let farmer = try #require(report.rows.first { $0.strategy.hasPrefix("honest ten times") })
        #expect(abs(farmer.boinc - 0.45) < 0.04, "\(farmer.boinc)")
        #expect(farmer.share < 0.01, "the same farmer is not proven with us")
        let steady = try #require(report.rows.first { $0.strategy.hasPrefix("honest until proven") })
        #expect(steady.boinc > 0.4)
    }

    @Test("Who never computes gets nothing")
    func lazy() throws {
        let report = try AttackTests.report(.lazy)
        #expect(report.rows.count == 1 && report.rows[0].accepted == 0 && report.rows[0].results == 8 * 150)
        #expect(!report.isBroken)
    }

    @Test("A rule that checks a tenth of what it promises is found out")
    func planted() throws {
        let report = try AttackTests.report(.farm, seeds: 1...20, results: 300) {
            $0.plantedRate = 0.02
            $0.only = "bursts of 10"
        }
        #expect(try #require(report.rows.first).isBroken, "\(report.text)")
        let sound = try AttackTests.report(.lazy, seeds: 1...8) { $0.plantedRate = 0.02 }
        #expect(!sound.isBroken)
    }

    @Test("Before its report a copycat is shown nothing, and guessing earns what chance gives")
    func copycat() throws {
        let report = try AttackTests.report(.copycat, seeds: 1...20, results: 60)
        let early = try #require(report.rows.first)
        #expect(!early.isBroken && early.share < 0.04)
        #expect(early.bound == 1.0 / 64)
    }

    @Test("A clique gets what a quorum of two gives, and not more")
    func clique() throws {
        let report = try AttackTests.report(.collude, seeds: 1...12)
        let quorum = report.rows.filter { $0.strategy.hasPrefix("quorum") }
        #expect(quorum.count == 4 && quorum.allSatisfy { !$0.isBroken })
        #expect(quorum[3].share > quorum[1].share && quorum[1].share > 0)
        // The model of the baseline and the real server do the same here.
        for row in quorum { #expect(abs(row.boinc - row.share) < 0.12, "\(row)") }
    }

    @Test("Nor in a young project with a small batch")
    func youngClique() throws {
        let report = try AttackTests.report(.collude, seeds: 1...24, results: 80) { $0.only = "quorum 2" }
        #expect(report.rows.count == 4 && !report.isBroken, "\(report.text)")
    }

    @Test("Names that ask at the right moment judge each other no oftener than the lots allow")
    func sybil() throws {
        let report = try AttackTests.report(.sybil, seeds: 1...4)
        #expect(!report.isBroken, "\(report.text)")
        let met = report.rows.prefix(4)
        #expect(met.allSatisfy { $0.results > 20 && $0.boinc > 1.5 * $0.share })
    }

    @Test("Whether a task is a check can be told, and by what")
    func distinguisher() throws {
        let report = try AttackTests.report(.farm, seeds: 1...2, results: 30)
        let told = try #require(report.distinguisher)
        #expect(told.checks > 50 && told.ordinary > 50)
        #expect(told.byFeature.values.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(try #require(told.byFeature["flops"]) == 0.5)
        #expect(told.byFeature.values.allSatisfy { abs($0 - 0.5) < 0.06 }, "\(told)")
    }
}
