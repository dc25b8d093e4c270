import ClientCore
import Domain
import Testing
import Wire

@Suite("A clock that is set back")
struct ClockTests {
    static let hours = TimeSpan(seconds: 6 * 3600)

    @Test("It does not silence the client: what was to wait seconds waits seconds")
    func backOff() throws {
        var driver = Driver()
        driver.send(.callFailed(.failed("nobody answers")))
        #expect(driver.call == nil)
        driver.now = driver.now - Self.hours
        driver.send(.tick)
        driver.send(.tick, after: 5)
        #expect(driver.call != nil)
    }

    @Test("It lengthens no wait for a start or a download")
    func otherWaits() throws {
        var driver = Driver { $0.bufferSeconds = 60 }
        let task = try driver.takeUp()
        driver.send(.workerNotStarted(task, "no such program"))
        let other = driver.project.task(1)
        let offer = driver.project.offer(other, unit: try driver.project.container(other), inline: false)
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        driver.send(.unitFetchFailed(other, .temporary("slow")))
        driver.now = driver.now - Self.hours
        driver.send(.tick)
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 20)
        #expect(driver.last.words.contains("start 0"))
        #expect(driver.last.words.contains("fetch unit 1"))
    }

    @Test("The load of others counts for a minute, whatever the clock does")
    func load() throws {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(IdlePolicyTests.quiet(driver.now)))
        for _ in 0..<4 {
            driver.now = driver.now + TimeSpan(seconds: 1)
            driver.send(.probed([ProbeReading(kind: .otherLoad, value: .busy(cores: 4), at: driver.now)]))
        }
        #expect(!driver.machine.policy.isComputing)
        driver.now = driver.now - Self.hours
        driver.send(.probed(IdlePolicyTests.quiet(driver.now)))
        #expect(!driver.machine.policy.isComputing)
        driver.now = driver.now + TimeSpan(seconds: 61)
        driver.send(.probed(IdlePolicyTests.quiet(driver.now)))
        #expect(driver.machine.policy.isComputing)
    }

    @Test("Set back while no client ran, it lengthens no pause, and no task's time")
    func betweenRuns() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let due = UInt64((driver.now + Self.hours).milliseconds)
        let offer = driver.project.offer(task, unit: try driver.project.container(task), deadlineMs: due)
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        driver.send(.userPaused(until: driver.now + TimeSpan(seconds: 3600)))
        driver.now = driver.now - TimeSpan(seconds: 86_400)
        driver.machine = ClientMachine(
            state: driver.machine.state, settings: driver.machine.settings, machineCores: 4, now: driver.now)
        driver.send(.started(slots: [], blobs: []))
        #expect(driver.machine.state.wishes.pause?.until == driver.now + TimeSpan(seconds: 3600))
        #expect(driver.machine.state[task: task]?.offer.deadline == driver.now + Self.hours)
        #expect(driver.last.words.contains("save"))
        driver.send(.tick, after: 3601)
        #expect(driver.machine.state.wishes.pause == nil)
    }

    @Test("A task keeps the time that the server gave it")
    func deadline() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        var reply = driver.project.reply(
            offers: [driver.project.offer(task, unit: try driver.project.container(task), deadlineMs: 5_000_060_000)])
        reply.serverTimeMs = 5_000_000_000
        driver.send(.callAnswered(reply))
        driver.now = driver.now - Self.hours
        driver.send(.tick)
        #expect(driver.machine.state[task: task]?.offer.deadline == driver.now + TimeSpan(seconds: 60))
    }
}

private func - (moment: Timestamp, span: TimeSpan) -> Timestamp {
    Timestamp(milliseconds: moment.milliseconds - span.milliseconds)
}
