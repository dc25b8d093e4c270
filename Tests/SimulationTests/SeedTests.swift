import Foundation
import Simulation
import Testing

@Suite("Seeds hold every invariant")
struct SeedTests {
    static func expectNone(_ sweep: SeedSweep) throws {
        let total = try sweep.run(failuresMax: 1)
        for failure in total.failures { Issue.record("\(failure.text)") }
        #expect(total.seeds == sweep.seeds.count || !total.failures.isEmpty)
        #expect(total.outcome.open == 0)
    }

    @Test("Every population and every fault at once", arguments: [1...6, 100...103] as [ClosedRange<UInt64>])
    func mixed(seeds: ClosedRange<UInt64>) throws {
        try SeedTests.expectNone(SeedSweep(seeds: seeds, options: SimOptions()))
    }

    @Test("A fixed list in swarm mode")
    func swarm() throws {
        try SeedTests.expectNone(SeedSweep(seeds: 1...40, options: nil))
    }

    @Test("Fifty fresh seeds")
    func fresh() throws {
        let day = UInt64(Date().timeIntervalSince1970 / 86_400)
        let base = ProcessInfo.processInfo.environment["MILLRACE_SIM_SEED"].flatMap { UInt64($0) } ?? day * 1_000_003
        print("fresh seeds \(base)...\(base + 49); MILLRACE_SIM_SEED=\(base) repeats them")
        try SeedTests.expectNone(SeedSweep(seeds: base...base + 49, options: nil))
    }

    @Test("With signed requests, state files as bytes, and uploads")
    func thorough() throws {
        var options = SimOptions()
        options.isThorough = true
        options.resultBytes = 70_000
        options.units = 4
        try SeedTests.expectNone(SeedSweep(seeds: 1...2, options: options))
    }

    @Test("With short calls, whose small results become blobs just before their group is committed")
    func shortCalls() throws {
        var options = SimOptions()
        options.isThorough = true
        options.units = 6
        try SeedTests.expectNone(SeedSweep(seeds: 11...16, options: options))
    }

    /// Invariant 4, its second half: with too few volunteers a unit ends, and says why.
    @Test("A unit to which nobody else comes ends as failed after 30 days")
    func nobodyComes() throws {
        let options = try SimOptions(text: "honest=1 units=1 quorum=2 total=4 chaos=60 faults=none seconds=60")
        let report = try Simulator.run(seed: 3, options: options)
        #expect(report.violation == nil)
        #expect(report.outcome.failed == 1)
        #expect(report.seconds > 30 * 86_400)
    }

    @Test("Forgers alone never get a canonical result, and the units end")
    func onlyForgers() throws {
        let options = try SimOptions(text: "lazyForger=8 units=4 quorum=2 total=6 chaos=600 faults=cut,loss seconds=60")
        let report = try Simulator.run(seed: 5, options: options)
        #expect(report.violation == nil)
        #expect(report.outcome == RunOutcome.all(failed: 4, tasks: report.outcome.tasks))
    }
}

extension RunOutcome {
    static func all(failed: Int, tasks: Int) -> RunOutcome {
        var outcome = RunOutcome()
        outcome.failed = failed
        outcome.tasks = tasks
        return outcome
    }
}
