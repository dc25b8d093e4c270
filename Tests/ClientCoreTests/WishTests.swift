import ClientCore
import Domain
import Testing
import Wire

@Suite("What the user asks for")
struct WishTests {
    private func holds(_ driver: Driver) -> [ClientStatus.Hold] {
        driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).holds ?? []
    }

    /// A new process with what the last one saved.
    private func restart(_ driver: inout Driver, settings: ClientSettings? = nil) throws {
        let state = try StateFile.decode(try StateFile.encode(driver.machine.state))
        driver.machine = ClientMachine(
            state: state, settings: settings ?? driver.machine.settings, machineCores: 4, now: driver.now)
        let slots = state.tasks.map { task in
            SlotFinding(
                task: task.id, offer: task.offer, unit: try? driver.project.container(task.id), result: nil,
                used: task.used, fraction: task.fraction)
        }
        driver.send(.started(slots: slots, blobs: []))
    }

    @Test("A pause stops workers at once, ends by itself, and survives a restart")
    func pause() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.userPaused(until: driver.now + TimeSpan(seconds: 3600)))
        #expect(driver.last.words == ["suspend 0", "save"] || driver.last.words == ["save", "suspend 0"])
        let project = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        let status = ClientStatus(
            writtenAt: driver.now, policy: driver.machine.policy, cores: 2, projects: [project])
        #expect(!status.computing && status.pause?.reason == "you paused the client")
        #expect(holds(driver).map(\.code) == [.paused])
        #expect(holds(driver).first?.untilMs == driver.now.milliseconds + 3_600_000)
        #expect(driver.machine.wakeAt != nil)
        driver.send(.tick, after: 700)
        #expect(driver.last.words.contains("stop 0"), "the memory is given back, too")
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        try restart(&driver)
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 2899)
        #expect(driver.last.words.contains("start 0"))
        #expect(holds(driver).isEmpty)
    }

    @Test("A pause without an end lasts until it is ended, and asks for no work")
    func endless() {
        var driver = Driver()
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.userPaused(until: nil))
        driver.send(.tick, after: 40_000)
        #expect(driver.call?.request.wantTasks == 0)
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.userResumed, after: 5)
        #expect(driver.call?.request.wantTasks == 1)
    }

    @Test("A client that starts paused computes when the user says so")
    func startsPaused() throws {
        var driver = Driver { $0.startsPaused = true }
        #expect(driver.call?.request.wantTasks == 0)
        #expect(holds(driver).first?.reason == "it was to start paused")
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.userResumed, after: 5)
        #expect(driver.call?.request.wantTasks == 1)
    }

    @Test("Finish: what is begun is finished and reported, the rest goes back, nothing is fetched, and the client ends")
    func finish() throws {
        var driver = Driver { $0.bufferSeconds = 100 }
        let tasks = [driver.project.task(0), driver.project.task(1)]
        let offers = try tasks.map { driver.project.offer($0, unit: try driver.project.container($0)) }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        driver.send(.workerStarted(tasks[0]))
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.finishRequested, after: 5)
        #expect(driver.call?.request.reports.map(\.failure.code) == [5])
        #expect(driver.call?.request.wantTasks == 0)
        #expect(holds(driver).map(\.code) == [.finishing])
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(tasks[1], nil)])), after: 5)
        driver.send(
            .workerProgressed(tasks[0], WorkerProgress(fraction: 0.5, used: Usage(cpuSeconds: 1), peakMemoryBytes: 0)))
        try restart(&driver)
        #expect(holds(driver).map(\.code) == [.finishing])
        #expect(driver.last.words.contains("start 0"))
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.workerStarted(tasks[0]))
        driver.send(.workerEnded(tasks[0], Driver.ending(0, result: Driver.result())), after: 5)
        #expect(driver.call?.request.reports.count == 1)
        #expect(!driver.last.words.contains("exit"))
        driver.send(
            .callAnswered(driver.project.reply(receipts: [driver.project.receipt(tasks[0], Driver.result().digest)])))
        #expect(driver.last.words.last == "exit")
        #expect(driver.machine.state.wishes == UserWishes(), "the next start is an ordinary one")
    }

    @Test("A withdrawn finish goes on as before")
    func withdrawn() throws {
        var driver = Driver()
        driver.send(.callAnswered(driver.project.reply(next: 100)))
        let task = try driver.takeUp()
        driver.send(.finishRequested)
        driver.send(.finishWithdrawn)
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 200)
        #expect(driver.call?.request.wantTasks == 1)
    }

    @Test("No new work: what is held is computed and reported, nothing is asked for, also after a restart")
    func noNewWork() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.newWorkAllowed(false))
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 200)
        #expect(driver.call?.request.reports.count == 1)
        #expect(driver.call?.request.wantTasks == 0)
        #expect(holds(driver).map(\.code) == [.noNewWork])
        driver.send(
            .callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, Driver.result().digest)])))
        try restart(&driver)
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.tick, after: 1000)
        #expect(driver.call == nil)
        driver.send(.newWorkAllowed(true))
        #expect(driver.call?.request.wantTasks == 1)
    }

    @Test("A suspended task leaves its core to others, rests over a restart, and goes on when it is resumed")
    func suspended() throws {
        var driver = Driver { $0.bufferSeconds = 15 }
        let tasks = [driver.project.task(0), driver.project.task(1)]
        let offers = try tasks.map { driver.project.offer($0, unit: try driver.project.container($0)) }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        driver.send(.workerStarted(tasks[0]))
        driver.send(.taskSuspended(tasks[0]))
        #expect(driver.last.words.contains("stop 0"))
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        #expect(driver.last.words.contains("start 1"))
        let row = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).tasks.first
        #expect(row?.state == "suspended" && row?.message != nil)
        try restart(&driver)
        #expect(driver.last.words.filter { $0.hasPrefix("start") } == ["start 1"])
        driver.send(.taskResumed(tasks[0]))
        driver.send(.workerStarted(tasks[1]))
        driver.send(.workerEnded(tasks[1], Driver.ending(0, result: Driver.result())), after: 5)
        #expect(driver.last.words.contains("start 0"))
        driver.send(.taskSuspended(driver.project.task(9)))
        #expect(driver.last.contains { if case .say(let text) = $0 { text.contains("no task") } else { false } })
    }

    @Test(
        "An aborted task goes back with the user's reason, whether it runs, starts or waits; a finished one stays",
        arguments: [0, 1, 2, 3])
    func aborted(stage: Int) throws {
        var driver = Driver()
        let task = try driver.takeUp()
        if stage > 0 { driver.send(.workerStarted(task)) }
        if stage == 3 {
            driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
            driver.send(.taskAborted(task, reason: "too hot"))
            #expect(driver.stage(task) == .finished(Driver.result()))
            return
        }
        if stage == 2 {
            driver.send(.taskSuspended(task))
            driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        }
        driver.send(.taskAborted(task, reason: "too hot"))
        if stage == 0 { driver.send(.workerStarted(task)) }
        if stage < 2 {
            #expect(driver.last.words.contains("kill 0"))
            #expect(driver.failure == nil)
            driver.send(.workerEnded(task, Driver.ending(nil)), after: 1)
        }
        #expect(driver.stage(task) == .failed(code: .givenBack, message: "the user gave it back: too hot"))
        #expect(driver.machine.state.failuresInRow == 0)
    }

    @Test("The pause after failures says why, survives a restart, and the user can end it")
    func failures() throws {
        var driver = Driver()
        for index in 0..<5 {
            let task = try driver.takeUp(Int64(index))
            driver.send(.workerStarted(task))
            driver.send(.workerEnded(task, Driver.ending(70, words: "no such library")), after: 5)
            driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, nil)])), after: 5)
            driver.send(.tick, after: 5)
        }
        #expect(driver.call == nil)
        let hold = try #require(holds(driver).first)
        #expect(hold.code == .failures && hold.reason.contains("5 tasks") && hold.reason.contains("no such library"))
        #expect(hold.untilMs != nil)
        try restart(&driver)
        #expect(holds(driver).map(\.code) == [.failures])
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.tick, after: 60)
        #expect(driver.call == nil)
        driver.send(.failuresForgiven)
        #expect(driver.call?.request.wantTasks == 1)
        #expect(holds(driver).isEmpty)
    }

    @Test("One round: a task for each core, then the client ends; without work it ends at once")
    func once() throws {
        var driver = Driver(cores: 2) {
            $0.once = true
            $0.bufferSeconds = 1000
        }
        #expect(driver.call?.request.wantTasks == 2)
        let tasks = [driver.project.task(0), driver.project.task(1)]
        let offers = try tasks.map { driver.project.offer($0, unit: try driver.project.container($0)) }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        for task in tasks {
            driver.send(.workerStarted(task))
            driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
            #expect(driver.call?.request.wantTasks == 0)
            #expect(!driver.last.words.contains("exit"))
            driver.send(
                .callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, Driver.result().digest)])))
        }
        #expect(driver.last.words.last == "exit")
        var idle = Driver { $0.once = true }
        idle.send(.callAnswered(idle.project.reply()))
        #expect(idle.last.words.last == "exit")
    }

    @Test(
        "A limited time: only what fits is taken, and what is left stays or goes back",
        arguments: AtWalltime.allCases)
    func walltime(atEnd: AtWalltime) throws {
        var driver = Driver(cores: 2) {
            $0.walltimeSeconds = 1000
            $0.atWalltime = atEnd
        }
        let tasks = [driver.project.task(0), driver.project.task(1)]
        let offers = try zip(tasks, [900.0, 950.0]).map { task, seconds in
            var offer = driver.project.offer(task, unit: try driver.project.container(task))
            offer.estimatedSeconds = seconds
            return offer
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        #expect(driver.stage(tasks[0]) == .ready)
        guard case .failed(.givenBack, let why)? = driver.stage(tasks[1]) else {
            Issue.record("950 s do not fit into 1000, 60 of them for the end")
            return
        }
        #expect(why.contains("this client ends in 16 min"))
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(tasks[1], nil)])))
        driver.send(.workerStarted(tasks[0]))
        driver.send(
            .workerProgressed(tasks[0], WorkerProgress(fraction: 0.5, used: Usage(cpuSeconds: 900), peakMemoryBytes: 0))
        )
        driver.send(.tick, after: 939)
        #expect(!driver.last.words.contains("stop 0"))
        if driver.call != nil { driver.send(.callAnswered(driver.project.reply(next: 10))) }
        driver.send(.tick, after: 2)
        #expect(driver.last.words.contains("stop 0"))
        #expect(holds(driver).map(\.code) == [.closing])
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        switch atEnd {
        case .keep:
            #expect(driver.last.words.last == "exit")
            #expect(driver.stage(tasks[0]) == .ready)
        case .giveBack:
            driver.send(.tick, after: 10)
            #expect(driver.call?.request.reports.map(\.failure.code) == [5])
            #expect(!driver.last.words.contains("exit"))
            driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(tasks[0], nil)])))
            #expect(driver.last.words.last == "exit")
            #expect(driver.machine.state.tasks.isEmpty)
        }
    }

    @Test("At the end of a limited time a server that is away does not hold the client up")
    func walltimeWithoutServer() throws {
        var driver = Driver { $0.walltimeSeconds = 1000 }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        driver.send(.callFailed(.failed("nobody answers")))
        driver.send(.tick, after: 960)
        if driver.call != nil { driver.send(.callFailed(.failed("nobody answers"))) }
        #expect(!driver.last.words.contains("exit"))
        driver.send(.tick, after: 32)
        #expect(driver.last.words.last == "exit")
        #expect(driver.stage(task) == .finished(Driver.result()), "the result is kept for the next client")
    }

    @Test("A clock that is set back moves wishes and habits with it")
    func clock() {
        var driver = Driver()
        driver.send(.userPaused(until: driver.now + TimeSpan(seconds: 100)))
        driver.now = driver.now + TimeSpan(seconds: -86_400)
        driver.send(.tick)
        driver.send(.tick, after: 99)
        #expect(!holds(driver).isEmpty)
        driver.send(.tick, after: 2)
        #expect(holds(driver).isEmpty)
        #expect(driver.machine.state.habits?.notedUntil == driver.now)
    }

    @Test("A state of an older client, without wishes, habits and orders of arrival, is read")
    func olderState() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        var state = driver.machine.state
        state.habits = nil
        state.userWishes = nil
        state.tasks[0].arrival = nil
        let text = String(decoding: try StateFile.encode(state), as: UTF8.self)
        for word in ["habits", "userWishes", "failurePause", "arrival", "suspendedSince"] {
            #expect(!text.contains("\"\(word)\""), "\(word) would be missing in an older file")
        }
        let read = try StateFile.decode(try StateFile.encode(state))
        #expect(read[task: task]?.stage == .ready && read.wishes == UserWishes())
    }
}
