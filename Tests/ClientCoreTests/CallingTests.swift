import ClientCore
import Domain
import Testing
import Wire

@Suite("Calls to the scheduler")
struct CallingTests {
    @Test("A stale sequence number is jumped, and the call repeated at once")
    func staleSequence() throws {
        var driver = Driver()
        let first = try #require(driver.call)
        driver.send(.callFailed(.stale(sequence: first.sequence + 1_000_000_000)))
        let second = try #require(driver.call)
        #expect(second.sequence == first.sequence + 1_000_000_001)
        #expect(driver.last.words.first == "save")
    }

    @Test("A server that always says stale does not get a storm of calls")
    func alwaysStale() {
        var driver = Driver()
        var calls = 0
        for _ in 0..<20 {
            if driver.call != nil { calls += 1 }
            driver.send(.callFailed(.stale(sequence: 1)))
        }
        #expect(calls <= 5)
    }

    @Test("Without an answer the waits grow to minutes, and never beyond the bound")
    func unreachable() {
        var driver = Driver()
        var waits: [Double] = []
        for _ in 0..<12 {
            let failed = driver.now
            driver.send(.callFailed(.failed("nobody answers")), random: 0.999)
            var steps = 0
            while driver.call == nil, steps < 10_000 {
                driver.send(.tick, after: 0.5)
                steps += 1
            }
            waits.append((driver.now - failed).seconds)
        }
        #expect(waits[0] <= 2.5)
        #expect(waits[5] > waits[2])
        #expect(waits.allSatisfy { $0 <= 301 })
        #expect(waits.last! > 200)
    }

    @Test("The jitter spreads clients that failed together")
    func jitter() throws {
        let waits = try [0.0, 0.3, 0.6, 0.9].map { random in
            var driver = Driver()
            for _ in 0..<4 {
                driver.send(.callFailed(.failed("down")), random: random)
                driver.send(.tick, after: 400)
            }
            driver.send(.callFailed(.failed("down")), random: random)
            return try #require(driver.machine.wakeAt) - driver.now
        }
        #expect(Set(waits.map(\.milliseconds)).count == 4)
    }

    @Test("Work goes on while the server is away, and is reported when it is back")
    func worksOffline() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        let other = driver.project.task(1)
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        driver.send(.callFailed(.failed("nobody answers")))
        #expect(driver.call == nil)
        #expect(driver.stage(task) == .finished(Driver.result()))
        driver.send(.tick, after: 10)
        let offer = driver.project.offer(other, unit: try driver.project.container(other))
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        #expect(driver.last.words.contains("start 1"))
        driver.send(.callFailed(.failed("nobody answers")))
        driver.send(.workerStarted(other))
        driver.send(.tick, after: 400)
        #expect(driver.call?.request.reports.count == 1)
    }

    @Test("The server's wish is kept: no call before it")
    func nextCall() {
        var driver = Driver()
        driver.send(.callAnswered(driver.project.reply(next: 100)))
        driver.send(.tick, after: 99)
        #expect(driver.call == nil)
        driver.send(.tick, after: 3)
        #expect(driver.call != nil)
    }

    @Test("An empty answer is followed by a wait, and the reasons are shown")
    func noWork() {
        var driver = Driver()
        var reply = driver.project.reply()
        reply.noWorkReasons = ["no unit fits\u{1b}[31m \u{202E}\u{9B}"]
        driver.send(.callAnswered(reply))
        #expect(driver.call == nil)
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        #expect(status.noWorkReasons == ["no unit fits?[31m ??"])
        driver.send(.tick, after: 2.1)
        #expect(driver.call != nil)
    }

    @Test("No word of a server reaches log or status with what could move a cursor or turn a line around")
    func cleanWords() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        var offer = driver.project.offer(task, unit: try driver.project.container(task), inline: false)
        offer.project = "stars\u{202E}"
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        driver.send(.unitFetchFailed(task, .permanent("gone\u{1b}]0;title\u{07}\u{9B}2J")))
        var said: [String] = []
        for case .say(let text) in driver.last { said.append(text) }
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        said += [try #require(status.problem), status.tasks[0].project, try #require(status.tasks[0].message)]
        #expect(said.count == 4)
        for text in said { #expect(text == PrintableText.clean(text)) }
    }

    @Test("No work is no matter while a held task can be computed")
    func noMoreWork() throws {
        var driver = Driver { $0.bufferSeconds = 30 }
        let task = try driver.takeUp()
        var reply = driver.project.reply()
        reply.noWorkReasons = ["no task is waiting"]
        #expect(driver.call?.request.wantTasks == 2)
        driver.send(.callAnswered(reply))
        #expect(driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).noWorkReasons.isEmpty)
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())))
        #expect(driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).noWorkReasons.count == 1)
    }

    @Test("One call at a time")
    func oneAtATime() {
        var driver = Driver()
        #expect(driver.call != nil)
        for _ in 0..<5 {
            driver.send(.tick, after: 10)
            #expect(driver.call == nil)
        }
    }

    @Test("The buffer holds what the settings say, by count and by seconds, and never more than the bound")
    func buffer() throws {
        var driver = Driver(cores: 2) {
            $0.bufferSeconds = 100
            $0.heldTasksPerCoreMax = 6
        }
        let tasks = (0..<4).map { driver.project.task(Int64($0)) }
        let offers = try tasks.map { driver.project.offer($0, unit: try driver.project.container($0)) }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        // 40 of 200 s are here, 10 s a task: 16 more by seconds, 8 more by the bound.
        #expect(driver.call?.request.wantTasks == 8)
    }

    @Test("A paused client asks for no work but still reports")
    func paused() throws {
        let driver = Driver { $0.idle.always = false }
        // No reading yet: it makes contact and wants nothing.
        #expect(driver.call?.request.wantTasks == 0)
    }

    @Test("All tasks are named in each call, so that the server can send lost ones again")
    func heldTasks() throws {
        var driver = Driver { $0.bufferSeconds = 30 }
        let task = try driver.takeUp()
        #expect(driver.call?.request.heldTasks == [UInt64(task.rawValue)])
        // An offer that is repeated is the same task.
        driver.send(
            .callAnswered(
                driver.project.reply(offers: [
                    driver.project.offer(task, unit: try driver.project.container(task))
                ])))
        #expect(driver.machine.state.tasks.count == 1)
    }

    @Test("With nothing to do for long enough the client leaves, if it was told so")
    func exitWhenIdle() {
        var driver = Driver { $0.exitWhenIdleSeconds = 30 }
        driver.send(.callAnswered(driver.project.reply(next: 5)))
        driver.send(.tick, after: 29)
        #expect(!driver.last.words.contains("exit"))
        driver.send(.callAnswered(driver.project.reply(next: 5)))
        driver.send(.tick, after: 2)
        #expect(driver.last.words.last == "exit")
    }
}
