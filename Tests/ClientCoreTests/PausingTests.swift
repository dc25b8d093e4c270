import ClientCore
import Domain
import Testing

@Suite("Pausing workers")
struct PausingTests {
    static func driver() throws -> (Driver, TaskID) {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(Self.away(driver.now)))
        driver.send(.callAnswered(driver.project.reply()))
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        return (driver, task)
    }

    static func away(_ now: Timestamp) -> [ProbeReading] {
        [
            ProbeReading(kind: .userInput, value: .idle(milliseconds: 1_000_000), at: now),
            ProbeReading(kind: .otherLoad, value: .busy(cores: 0), at: now),
        ] + IdlePolicyTests.missing(now)
    }

    static func here(_ now: Timestamp) -> [ProbeReading] {
        [
            ProbeReading(kind: .userInput, value: .idle(milliseconds: 5), at: now),
            ProbeReading(kind: .otherLoad, value: .busy(cores: 0), at: now),
        ] + IdlePolicyTests.missing(now)
    }

    @Test("Workers are stopped where they stand when the user returns, and go on after the quiet period")
    func suspendAndResume() throws {
        var (driver, _) = try Self.driver()
        driver.send(.probed(Self.here(driver.now)))
        #expect(driver.last.words == ["suspend 0"])
        driver.now = driver.now + TimeSpan(seconds: 200)
        driver.send(.probed(Self.away(driver.now)))
        #expect(driver.last.words.contains("resume 0"))
    }

    @Test("A machine that slept is looked at anew before anything computes")
    func slept() throws {
        var (driver, _) = try Self.driver()
        driver.send(.tick, after: 8 * 3600)
        #expect(driver.last.words.contains("suspend 0"))
        #expect(driver.machine.policy.pause?.cause == .notLookedAt)
        driver.send(.probed(Self.here(driver.now)), after: 1)
        #expect(driver.machine.policy.pause?.cause == .user)
        driver.send(.probed(Self.away(driver.now + TimeSpan(seconds: 200))), after: 200)
        #expect(driver.last.words.contains("resume 0"))
    }

    @Test("In a long pause workers save themselves and leave the memory; later they start again")
    func longPause() throws {
        var (driver, task) = try Self.driver()
        driver.send(.probed(Self.here(driver.now)))
        for _ in 0..<61 {
            driver.now = driver.now + TimeSpan(seconds: 10)
            driver.send(.probed(Self.here(driver.now)))
            if driver.last.words.contains("stop 0") { break }
        }
        #expect(driver.last.words.contains("stop 0"))
        driver.send(.workerEnded(task, Driver.ending(75)))
        #expect(driver.stage(task) == .ready)
        #expect(!driver.last.words.contains("start 0"))
        driver.now = driver.now + TimeSpan(seconds: 200)
        driver.send(.probed(Self.away(driver.now)))
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("A worker that was just being started is suspended as soon as it lives")
    func pauseWhileStarting() throws {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(Self.away(driver.now)))
        driver.send(.callAnswered(driver.project.reply()))
        let task = try driver.takeUp()
        driver.send(.probed(Self.here(driver.now)))
        #expect(driver.last.words.isEmpty)
        driver.send(.workerStarted(task))
        #expect(driver.last.words == ["suspend 0"])
    }

    @Test("A stop asks every worker to save itself, and ends when all have left")
    func stop() throws {
        var (driver, task) = try Self.driver()
        driver.send(.stopRequested)
        #expect(driver.last.words == ["stop 0"])
        driver.send(.tick, after: 1)
        #expect(driver.last.words.isEmpty)
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        #expect(driver.last.words == ["save", "exit"])
        #expect(driver.stage(task) == .ready)
    }

    @Test("A worker that the request itself ended goes on at the next run, and no crash is counted")
    func stopEndsIt() throws {
        var (driver, task) = try Self.driver()
        driver.send(.stopRequested)
        driver.send(.workerEnded(task, Driver.ending(nil)))
        #expect(driver.last.words == ["save", "exit"])
        #expect(driver.stage(task) == .ready)
    }

    @Test("A worker that does not leave in time is killed")
    func stopGrace() throws {
        var (driver, task) = try Self.driver()
        driver.send(.stopRequested)
        driver.send(.tick, after: 11)
        #expect(driver.last.words == ["kill 0"])
        driver.send(.workerEnded(task, Driver.ending(nil)))
        #expect(driver.last.words == ["save", "exit"])
        #expect(driver.stage(task) == .ready)
    }

    @Test("Status says why it pauses")
    func status() throws {
        var (driver, _) = try Self.driver()
        driver.send(.probed(Self.here(driver.now)))
        let status = ClientStatus(
            writtenAt: driver.now, policy: driver.machine.policy, cores: driver.machine.machineCoresNow,
            projects: [driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)])
        #expect(status.pause?.probe == "user input")
        #expect(status.projects[0].tasks.first?.state == "paused")
        #expect(status.computing == false)
        #expect(status.probes.first?.value == "idle for 0 s" && status.probes.last?.value == "0.0 cores busy")
        let allowance = try #require(status.allowance)
        #expect(allowance.inUse && !allowance.mayCompute && allowance.mayUseNetwork)
        #expect(allowance.objections.map(\.cause) == ["user"])
        #expect(allowance.objections.first?.against == "computing")
    }
}
