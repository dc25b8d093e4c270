import ClientCore
import Domain
import Testing
import Wire

@Suite("The client's schedule")
struct SchedulingTests {
    /// Offers of tasks with these seconds, due in so many.
    private static func offers(
        _ driver: Driver, _ tasks: [(seconds: Double, due: Double)], from first: Int = 0
    ) throws -> [WireTaskOffer] {
        try tasks.enumerated().map { at, task in
            let id = driver.project.task(Int64(first + at))
            let due = UInt64(driver.now.milliseconds + Int64(task.due * 1000))
            var offer = driver.project.offer(id, unit: try driver.project.container(id), deadlineMs: due)
            offer.estimatedSeconds = task.seconds
            return offer
        }
    }

    private static func progress(_ fraction: Double, _ seconds: Double) -> WorkerProgress {
        WorkerProgress(fraction: fraction, used: Usage(cpuSeconds: seconds), peakMemoryBytes: 0)
    }

    private func message(_ driver: Driver, _ index: Int64) -> String? {
        guard case .failed(.givenBack, let why)? = driver.stage(driver.project.task(index)) else { return nil }
        return why
    }

    @Test("An urgent task takes the place of one that runs, which goes on afterwards")
    func makesRoom() throws {
        var driver = Driver { $0.bufferSeconds = 7200 }
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, [(5000, 1e6)]))))
        let (long, short) = (driver.project.task(0), driver.project.task(1))
        driver.send(.workerStarted(long))
        driver.send(
            .callAnswered(driver.project.reply(offers: try Self.offers(driver, [(600, 2000)], from: 1))), after: 30)
        #expect(driver.stage(short) == .ready)
        driver.send(.tick, after: 61)
        #expect(driver.last.words.filter { $0 != "call" && $0 != "save" } == ["stop 0"])
        var stopped = Driver.ending(75)
        stopped.progress = Self.progress(0.01, 60)
        driver.send(.workerEnded(long, stopped), after: 1)
        #expect(driver.last.words.contains("start 1"))
        #expect(driver.stage(long) == .ready)
        driver.send(.workerStarted(short))
        driver.send(.tick, after: 120)
        #expect(!driver.last.words.contains("stop 1"))
        driver.send(.workerEnded(short, Driver.ending(0, result: Driver.result())), after: 5)
        #expect(driver.last.words.contains("start 0"))
        #expect(driver.machine.state.failuresInRow == 0)
    }

    @Test("An offer that cannot be done in time goes back at once, with the reason, and nothing is asked for a while")
    func declines() throws {
        var driver = Driver()
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, [(5000, 4000)]))))
        #expect(message(driver, 0)?.contains("83 min") == true)
        #expect(driver.machine.state.failuresInRow == 0)
        let report = try #require(driver.call?.request.reports.first)
        #expect(report.failure.code == 5)
        #expect(driver.call?.request.wantTasks == 0)
        driver.send(
            .callAnswered(driver.project.reply(receipts: [driver.project.receipt(driver.project.task(0), nil)])))
        driver.send(.tick, after: 30)
        #expect(driver.call == nil)
        driver.send(.tick, after: 120)
        #expect(driver.call?.request.wantTasks == 1)
    }

    @Test("More than was asked for goes back")
    func overFetch() throws {
        var driver = Driver(cores: 2) { $0.bufferSeconds = 100 }
        let offers = try Self.offers(driver, [(Double, Double)](repeating: (70, 1e6), count: 6))
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        // 70 and 70, then 140 and 140: both cores have their 100 s.
        #expect((0..<6).map { message(driver, $0) != nil } == [false, false, false, false, true, true])
    }

    @Test("A host that computes for an hour a day says so, whatever it does in that hour, and refuses a task of a day")
    func anHourADay() throws {
        var driver = Driver { $0.idle.always = false }
        var said: [Double] = []
        for day in 0..<10 {
            // The machine goes on, and off again after an hour.
            driver.now = Timestamp(seconds: 1_800_000_000 + Int64(day) * 86_400)
            driver.machine = ClientMachine(
                state: driver.machine.state, settings: driver.machine.settings, machineCores: 4, now: driver.now)
            driver.send(.started(slots: [], blobs: []))
            driver.send(.callAnswered(driver.project.reply()))
            for _ in 0..<60 {
                driver.send(.probed(IdlePolicyTests.quiet(driver.now)), after: 60)
                if let call = driver.call {
                    said.append(call.request.availability)
                    let offers = try Self.offers(driver, [(86_400, 14 * 86_400)], from: day)
                    driver.send(.callAnswered(driver.project.reply(offers: offers, next: 3000)))
                    if driver.call != nil { driver.send(.callAnswered(driver.project.reply(next: 3000))) }
                }
            }
        }
        #expect(said.count >= 10)
        #expect(said.allSatisfy { $0 < 0.06 && $0 > 0.02 }, "\(said)")
        #expect(driver.machine.state.tasks.allSatisfy { $0.stage.isOver })
        #expect(!driver.machine.state.tasks.isEmpty)
    }

    @Test("A task that can no longer be done goes back early unless it is half done", arguments: [0.2, 0.6])
    func goesBackEarly(fraction: Double) throws {
        var driver = Driver()
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, [(1000, 3000)]))))
        let task = driver.project.task(0)
        driver.send(.workerStarted(task))
        // It is ten times as slow as was thought.
        driver.send(.workerProgressed(task, Self.progress(fraction, 10_000 * fraction)), after: 1500)
        let isKilled = driver.last.words.contains("kill 0")
        driver.send(.tick, after: 61)
        if fraction < 0.5 {
            #expect(isKilled)
            driver.send(.workerEnded(task, Driver.ending(nil)), after: 1)
            #expect(message(driver, 0)?.contains("until its deadline") == true)
            #expect(driver.machine.state.failuresInRow == 0)
        } else {
            #expect(!isKilled && !driver.last.words.contains("kill 0"))
            #expect(driver.stage(task) == .ready)
        }
    }

    @Test("A waiting task that has become hopeless goes back, and only that one")
    func waitingGoesBack() throws {
        var driver = Driver { $0.bufferSeconds = 10_000 }
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, [(3000, 1e6), (500, 4000)]))))
        driver.send(.workerStarted(driver.project.task(0)))
        driver.send(.workerProgressed(driver.project.task(0), Self.progress(0.6, 2000)))
        driver.send(.userPaused(until: nil))
        // Half the time until its deadline, then nearly all of it.
        driver.send(.tick, after: 2000)
        #expect(message(driver, 1) == nil)
        driver.send(.tick, after: 1800)
        #expect(message(driver, 1) != nil)
        #expect(driver.stage(driver.project.task(0)) == .ready)
    }

    @Test("The measured speed of an app corrects the server's estimate")
    func measuredSpeed() throws {
        var driver = Driver { $0.bufferSeconds = 100 }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        // 1e9 FLOPs in 5 s of CPU, where the server had said 10.
        driver.send(.workerProgressed(task, Self.progress(0.9, 5)))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        driver.send(.callAnswered(driver.project.reply(offers: try Self.offers(driver, [(10, 1e6)], from: 1))))
        // 5 s are held, not 10: 95 of 100 are missing.
        #expect(driver.call?.request.wantSeconds == 95)
    }

    @Test("The server is told of the cores that it may use, not of all that there are")
    func coresGiven() {
        let driver = Driver(cores: 2) { $0.profile.cores = 16 }
        #expect(driver.call?.request.profile.cores == 2)
    }
}
