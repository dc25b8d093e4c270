import Simulation
import Testing

@Suite("The fleet model")
struct FleetTests {
    static func report(_ change: (inout FleetOptions) -> Void = { _ in }) -> FleetReport {
        var options = FleetOptions()
        options.hosts = 400
        options.days = 60
        change(&options)
        return Simulator.fleet(options)
    }

    @Test("Every unit ends, and the figures fit together")
    func figures() {
        let report = FleetTests.report()
        #expect(report.units > 5000 && report.unitsFailed < report.units / 1000 && report.unitsOpen == 0)
        #expect(report.lowerBound > 0 && report.lowerBound < report.makespan)
        #expect(report.nearlyAll <= report.makespan)
        #expect(report.tasksSent >= 2 * report.units)
        #expect(report.replication < 2.3)
        #expect(report.missedShare < 0.05)
        // A quorum's results are useful; a unit that failed has fewer.
        let each = 24.0 * 3600 * 4e9
        #expect(report.usefulFlops >= Double(2 * report.units) * each)
        #expect(report.wastedShare > 0 && report.wastedShare < 0.2)
        #expect(report.hostsEver > 400)
    }

    @Test("The same seed gives the same report, another seed another")
    func seeded() {
        let first = FleetTests.report()
        #expect(FleetTests.report() == first)
        #expect(FleetTests.report { $0.seed = 2 } != first)
    }

    @Test("A deadline of a day keeps slow hosts out; one of a month lets nearly all in")
    func deadlines() {
        // It never gets done, and the model gives up instead of running for ever.
        let short = FleetTests.report { $0.deadlineDays = 1 }
        #expect(short.unitsOpen > 0)
        let long = FleetTests.report { $0.deadlineDays = 60 }
        #expect(short.hostsUnused * long.hostsEver > 2 * long.hostsUnused * short.hostsEver)
    }

    @Test("A third replica costs half as much again")
    func quorum() {
        let two = FleetTests.report()
        let three = FleetTests.report { $0.quorum = 3 }
        #expect(abs(Double(three.units) / Double(two.units) - 2.0 / 3) < 0.01)
        #expect(three.replication > 3 && three.replication < 3.4)
    }
}
