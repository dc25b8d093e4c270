import ClientCore
import Domain
import Testing

@Suite("When the machine counts as idle")
struct IdlePolicyTests {
    static let start = Timestamp(seconds: 1_800_000_000)

    static func at(_ seconds: Double) -> Timestamp { start + TimeSpan(seconds: seconds) }

    static func idle(_ idleSeconds: Double, at seconds: Double) -> ProbeReading {
        ProbeReading(kind: .userInput, value: .idle(milliseconds: Int64(idleSeconds * 1000)), at: at(seconds))
    }

    static func busy(_ cores: Double, at seconds: Double) -> ProbeReading {
        ProbeReading(kind: .otherLoad, value: .busy(cores: cores), at: at(seconds))
    }

    /// Nobody is here, and nothing else runs.
    static func quiet(_ now: Timestamp) -> [ProbeReading] {
        [
            ProbeReading(kind: .userInput, value: .idle(milliseconds: 10_000_000), at: now),
            ProbeReading(kind: .otherLoad, value: .busy(cores: 0), at: now),
        ]
    }

    static func policy(_ change: (inout IdleSettings) -> Void = { _ in }) -> IdlePolicy {
        var settings = IdleSettings()
        change(&settings)
        return IdlePolicy(settings: settings, cores: 4, now: start)
    }

    @Test("Nothing is computed before every probe has spoken")
    func beginsPaused() {
        var policy = Self.policy()
        #expect(!policy.isComputing)
        policy.update([Self.idle(1000, at: 0)], now: Self.at(0))
        #expect(!policy.isComputing)
        policy.update([Self.busy(0, at: 0)], now: Self.at(0))
        #expect(policy.isComputing)
    }

    @Test("Always means always")
    func always() {
        var policy = Self.policy { $0.always = true }
        policy.update([Self.idle(0, at: 0), Self.busy(4, at: 0)], now: Self.at(0))
        #expect(policy.isComputing)
    }

    static let users: [(idle: Double, computes: Bool)] = [
        (0, false), (3, false), (179.9, false), (180, true), (9e5, true),
    ]

    @Test("The user must have been away for the quiet period", arguments: users)
    func quietPeriod(idle: Double, computes: Bool) {
        var policy = Self.policy()
        policy.update([Self.busy(0, at: 0), Self.idle(idle, at: 0)], now: Self.at(0))
        #expect(policy.isComputing == computes)
    }

    @Test("The first key press pauses at once, and says why and until when")
    func userReturns() throws {
        var policy = Self.policy()
        policy.update([Self.busy(0, at: 0), Self.idle(500, at: 0)], now: Self.at(0))
        policy.update([Self.idle(0.02, at: 0.5)], now: Self.at(0.5))
        guard case .paused(let pause) = policy.mode else {
            Issue.record("it still computes")
            return
        }
        #expect(pause.probe == .userInput)
        #expect(pause.since == Self.at(0.5))
        #expect(pause.reason == "keyboard or pointer were used 0 s ago")
        #expect(pause.until == "they were not used for 180 s")
        // The pause keeps its beginning while it lasts.
        policy.update([Self.idle(10, at: 10.5)], now: Self.at(10.5))
        guard case .paused(let later) = policy.mode else { return }
        #expect(later.since == Self.at(0.5))
        policy.update([Self.idle(181, at: 181.5), Self.busy(0, at: 181)], now: Self.at(181.5))
        #expect(policy.isComputing)
    }

    @Test("A short burst of other work is no reason to stop, a lasting one is, and then there is a quiet period")
    func otherLoad() {
        var policy = Self.policy()
        policy.update([Self.busy(0.5, at: 0), Self.idle(500, at: 0)], now: Self.at(0))
        policy.update([Self.busy(3, at: 1)], now: Self.at(1))
        #expect(policy.isComputing)
        policy.update([Self.busy(0.5, at: 2)], now: Self.at(2))
        for second in 3...5 {
            policy.update([Self.busy(3, at: Double(second))], now: Self.at(Double(second)))
        }
        #expect(!policy.isComputing)
        for second in 6...64 {
            policy.update(
                [Self.busy(0, at: Double(second)), Self.idle(500, at: Double(second))], now: Self.at(Double(second)))
            guard case .paused(let pause) = policy.mode else {
                Issue.record("it computes at second \(second)")
                return
            }
            // The load has fallen: its last moment over the bound was second 5.
            #expect(pause.reason == "other programs were busy until \(second - 5) s ago")
            #expect(pause.until == "they were quiet for \(65 - second) s more")
        }
        policy.update([Self.busy(0, at: 65), Self.idle(500, at: 65)], now: Self.at(65))
        #expect(policy.isComputing)
    }

    @Test("A probe that falls silent counts against computing")
    func stale() {
        var policy = Self.policy()
        policy.update([Self.busy(0, at: 0), Self.idle(500, at: 0)], now: Self.at(0))
        policy.update([Self.busy(0, at: 9)], now: Self.at(9))
        #expect(policy.isComputing)
        policy.update([Self.busy(0, at: 11)], now: Self.at(11))
        guard case .paused(let pause) = policy.mode else {
            Issue.record("it still computes")
            return
        }
        #expect(pause.probe == .userInput)
    }

    @Test("A machine without a display is judged by its load alone")
    func unavailable() {
        var policy = Self.policy()
        policy.update(
            [
                Self.busy(0, at: 0),
                ProbeReading(kind: .userInput, value: .unavailable("no display"), at: Self.at(0)),
            ], now: Self.at(0))
        #expect(policy.isComputing)
        policy.update([Self.busy(0, at: 5000)], now: Self.at(5000))
        #expect(policy.isComputing)
    }
}

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
        ]
    }

    static func here(_ now: Timestamp) -> [ProbeReading] {
        [
            ProbeReading(kind: .userInput, value: .idle(milliseconds: 5), at: now),
            ProbeReading(kind: .otherLoad, value: .busy(cores: 0), at: now),
        ]
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
            writtenAt: driver.now, policy: driver.machine.policy,
            projects: [driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)])
        #expect(status.pause?.probe == "user input")
        #expect(status.projects[0].tasks.first?.state == "paused")
        #expect(status.computing == false)
        #expect(status.probes.map(\.value) == ["idle for 0 s", "0.0 cores busy"])
    }
}
