import Simulation
import Testing

@Suite("The model of volunteers")
struct VolunteersTests {
    static func report(_ change: (inout VolunteersOptions) -> Void = { _ in }) -> VolunteersReport {
        var options = VolunteersOptions()
        options.hosts = 60
        options.weeks = 1
        change(&options)
        return Simulator.volunteers(options)
    }

    @Test(
        "Few deadlines are missed, nobody holds more than he should, and a host of an hour a day gets no task of a day")
    func promises() {
        let report = VolunteersTests.report()
        #expect(report.broken == [])
        let (planned, naive) = (report[.planned, nil], report[.naive, nil])
        #expect(planned.inTime > 1000)
        #expect(planned.missedShare < 0.02)
        #expect(planned.missedShare < naive.missedShare / 2)
        #expect(planned.lostShare < naive.lostShare / 2)
        #expect(planned.overFetchMax <= 1.000001 && planned.overFetchMax > 0)
        #expect(report[.planned, .anHourADay].longTasks == 0)
        for habit in VolunteerHabit.allCases where habit != .anHourADay {
            #expect(report[.planned, habit].idleShare < 0.05, "\(habit)")
        }
    }

    @Test("The client that looks at no habits breaks what the other keeps")
    func naive() {
        let report = VolunteersTests.report()
        #expect(report[.naive, nil].overFetchMax > 1.2)
        #expect(report[.naive, .anHourADay].longTasks > 0)
        #expect(report[.naive, .anHourADay].missedShare > 0.2)
    }

    @Test(
        "The same seed gives the same report, another seed another; every task is somewhere",
        arguments: [1, 2] as [UInt64])
    func seeded(seed: UInt64) {
        let first = VolunteersTests.report { $0.seed = seed }
        #expect(VolunteersTests.report { $0.seed = seed } == first)
        #expect(VolunteersTests.report { $0.seed = seed + 1 } != first)
        for line in first.lines {
            let tally = line.tally
            #expect(tally.sent >= tally.inTime + tally.missed + tally.declined + tally.givenBack + tally.open)
            #expect(tally.coreHours > 0 && tally.idleHours <= tally.coreHours)
        }
        #expect(first.lines.count == 2 * (VolunteerHabit.allCases.count + 1))
    }

    @Test("Without a buffer no work waits beside what runs")
    func noBuffer() {
        let report = VolunteersTests.report { $0.bufferHours = 0 }
        #expect(report.broken == [])
        #expect(report[.planned, nil].overFetchMax <= 1.000001)
    }
}
