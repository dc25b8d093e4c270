import Simulation
import Testing

/// A checker that cannot fail is worth nothing: for each a fault is planted, and it must be found by that very checker.
@Suite("Canaries")
struct CanaryTests {
    static func options(_ plant: Plant) throws -> SimOptions {
        let mix = "honest=8 slow=2 neverReports=1 replays=1 oversize=2 units=24 bound=20000 faults=none chaos=1800"
        let special =
            switch plant {
            // Hosts so slow that they cannot make it.
            case .ignoresSpeed: " deadline=900 units=60"
            case .unbounded: " units=60"
            case .agreesWithAll: " lazyForger=2"
            case .shortWindow: " rate=100 window=6 units=120"
            default: ""
            }
        return try SimOptions(text: mix + special)
    }

    static func run(_ plant: Plant, _ options: SimOptions) throws -> RunReport {
        plant == .unseeded
            ? try Simulator.runTwice(seed: 5, options: options) : try Simulator.run(seed: 5, options: options)
    }

    @Test("The planted fault is found by its checker", arguments: Plant.allCases)
    func found(plant: Plant) throws {
        var options = try CanaryTests.options(plant)
        options.plant = plant
        let report = try CanaryTests.run(plant, options)
        #expect(report.violation?.checker == plant.caughtBy, "\(plant): \(String(describing: report.violation))")
    }

    @Test("The same run without the plant holds", arguments: Plant.allCases)
    func holdsWithout(plant: Plant) throws {
        let report = try CanaryTests.run(plant, try CanaryTests.options(plant))
        #expect(report.violation == nil)
    }

    @Test("Every checker has a canary")
    func complete() {
        let caught = Set(Plant.allCases.map(\.caughtBy))
        #expect(caught.isSuperset(of: Simulator.checkerNames))
    }

    @Test("A failure shrinks to few hosts, few units and no faults, and fails again as it is shown")
    func shrinks() throws {
        var options = SimOptions()
        options.plant = .falseQuorum
        let found = try Simulator.run(seed: 9, options: options)
        #expect(found.violation?.checker == "quorum")
        var shrinker = Shrinker()
        let smallest = try shrinker.shrink(found)
        #expect(smallest.options.hosts <= 2)
        #expect(smallest.options.units == 1)
        #expect(smallest.options.faults.isEmpty)
        let again = try Simulator.run(seed: 9, options: try SimOptions(text: smallest.options.text))
        #expect(again.violation == smallest.violation)
        let failure = SeedSweep.Failure(found: found, smallest: smallest)
        #expect(failure.text.contains("millrace-sim replay 9 --trace --options"))
    }
}
