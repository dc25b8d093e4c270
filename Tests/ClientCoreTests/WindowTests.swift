import ClientCore
import Domain
import Preferences
import Testing
import Wire

@Suite("Work is fetched while nothing may compute")
struct WindowTests {
    /// Computes from 22 to 6 hours, uses the network from 8 to 20; it begins at 8.
    private static func driver() -> Driver {
        Driver {
            $0.bufferSeconds = 7200
            $0.idle.preferences.computeWindows = WeeklyWindows([.init(days: 0x7F, start: 1320, end: 360)])
            $0.idle.preferences.networkWindows = WeeklyWindows([.init(days: 0x7F, start: 480, end: 1200)])
        }
    }

    private static func offers(_ driver: Driver, dueHours: [Double]) throws -> [WireTaskOffer] {
        try dueHours.enumerated().map { at, hours in
            let id = driver.project.task(Int64(at))
            let due = UInt64((driver.now + TimeSpan(seconds: hours * 3600)).milliseconds)
            var offer = driver.project.offer(id, unit: try driver.project.container(id), deadlineMs: due)
            offer.estimatedSeconds = 3600
            return offer
        }
    }

    @Test("Windows that do not overlap: the day's network brings the buffer and no more, the night computes it")
    func disjoint() throws {
        var driver = Self.driver()
        #expect(!driver.machine.isComputing)
        #expect(driver.call?.request.wantTasks ?? 0 > 0)
        let offers = try Self.offers(driver, dueHours: [72, 72, 72, 72])
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        let taken = (0..<4).filter { driver.stage(driver.project.task(Int64($0))) == .ready }
        #expect(taken == [0, 1], "an hour each, two hours of buffer")
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 14 * 3600 - 60)
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 120)
        #expect(driver.last.words.contains("start 0"))
        #expect(driver.call == nil, "the network is closed")
    }

    @Test("What is due before computing may begin goes back")
    func tooEarly() throws {
        var driver = Self.driver()
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, dueHours: [14, 14.5, 16]))))
        let ready = (0..<3).map { driver.stage(driver.project.task(Int64($0))) == .ready }
        #expect(ready == [false, false, true])
    }

    @Test("While somebody is there work is fetched, but not while the user or the machine's state forbids computing")
    func user() throws {
        for (cause, isAsked) in [(Objection.Cause.user, true), (.battery, false)] as [(Objection.Cause, Bool)] {
            var driver = Driver { $0.idle.always = false }
            driver.send(.callAnswered(driver.project.reply()))
            var readings = cause == .user ? PausingTests.here(driver.now) : PausingTests.away(driver.now)
            if cause == .battery {
                readings.append(
                    ProbeReading(kind: .power, value: .power(isOnBattery: true, charge: 50), at: driver.now))
            }
            let begun = driver.machine.handle(.probed(readings), now: driver.now, random: 0.5)
            driver.send(.tick, after: 5)
            #expect(driver.machine.policy.pause?.cause == cause)
            let isCalled = (begun + driver.last).contains {
                if case .call(let call) = $0 { call.request.wantTasks > 0 } else { false }
            }
            #expect(isCalled == isAsked, "\(cause)")
        }
        var paused = Driver()
        paused.send(.callAnswered(paused.project.reply()))
        paused.send(.userPaused(until: nil))
        paused.send(.tick, after: 3601)
        #expect(paused.call?.request.wantTasks == 0)
    }
}
