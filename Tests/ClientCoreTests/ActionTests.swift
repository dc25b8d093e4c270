import ClientCore
import Domain
import Testing

@Suite("What waits for the disk")
struct ActionTests {
    private static let task = TaskID(rawValue: 64)

    @Test("Nothing that stops or continues a worker waits behind a disk that refuses")
    func workersAreStoppedAtOnce() {
        let actions: [ClientAction] = [
            .suspendWorker(Self.task), .resumeWorker(Self.task), .stopWorker(Self.task), .killWorker(Self.task),
            .limitWorkers(cpuPercent: 50), .say("a word"),
        ]
        #expect(actions.allSatisfy { $0.standing == .atOnce })
    }

    @Test("What makes, reads or removes files is done where nobody waits for it")
    func slowDisk() {
        let actions: [ClientAction] = [.save, .startWorker(Self.task), .dropTask(Self.task), .keepBlobs([])]
        #expect(actions.allSatisfy { $0.usesDisk })
        #expect(![ClientAction.suspendWorker(Self.task), .stopWorker(Self.task), .exit].contains { $0.usesDisk })
    }

    @Test("What rests on the saved state keeps its place, and what only tidies up holds nothing up")
    func orderIsKept() {
        for action in [ClientAction.save, .startWorker(Self.task), .exit] {
            #expect(action.standing == .inOrder)
        }
        for action in [ClientAction.dropTask(Self.task), .keepBlobs([])] {
            #expect(action.standing == .dispensable)
        }
        #expect(ClientAction.exit.isExit && !ClientAction.save.isExit)
    }

    @Test("While the disk refuses, workers are stopped at once, and all else keeps its order")
    func queue() {
        var queue = ActionQueue()
        #expect(queue.add([.save, .say("a word"), .startWorker(Self.task)]).words.isEmpty)
        #expect(queue.next().map { [$0].words } == ["save"])
        #expect(queue.next() == nil, "one at a time")
        #expect(queue.add([.suspendWorker(Self.task), .dropTask(Self.task)]).words == ["suspend 1"])
        let isTriedAgain = queue.ended(failed: true)
        #expect(isTriedAgain)
        var done: [String] = []
        while let action = queue.next() {
            done += [action].words
            // What only tidies up is passed over.
            let again = queue.ended(failed: action.standing == .dispensable)
            #expect(!again)
        }
        #expect(done == ["save", "start 1", "drop 1"])
        #expect(queue.isEmpty)
    }

    @Test("On the way out no failing save is tried again")
    func wayOut() {
        var queue = ActionQueue()
        _ = queue.add([.save, .exit])
        _ = queue.next()
        let isTriedAgain = queue.ended(failed: true)
        #expect(!isTriedAgain)
        #expect(queue.next()?.isExit == true)
    }

    @Test("A worker whose start waits for the disk is not started after it was stopped, and the client can leave")
    func startThatWaits() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        var queue = ActionQueue()
        _ = queue.add(driver.last)
        #expect(queue.next().map { [$0].words } == ["store 0"])
        #expect(queue.withdrawStarts { driver.machine.isStartWanted($0) }.isEmpty)
        driver.send(.stopRequested)
        #expect(driver.last.words.isEmpty)
        #expect(queue.withdrawStarts { driver.machine.isStartWanted($0) } == [task])
        driver.send(.startWithdrawn(task))
        #expect(driver.last.words == ["save", "exit"])
        #expect(driver.stage(task) == .ready)
    }

    @Test("A start that was withdrawn because the user came back is made up for later, and nobody is blamed")
    func startIsMadeUpFor() throws {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(IdlePolicyTests.quiet(driver.now)))
        driver.send(.callAnswered(driver.project.reply()))
        let task = try driver.takeUp()
        #expect(driver.machine.isStartWanted(task))
        driver.send(.probed([ProbeReading(kind: .userInput, value: .idle(milliseconds: 0), at: driver.now)]))
        #expect(!driver.machine.isStartWanted(task))
        driver.send(.startWithdrawn(task))
        #expect(!driver.last.words.contains("start 0"))
        driver.now = driver.now + TimeSpan(seconds: 1000)
        driver.send(.probed(IdlePolicyTests.quiet(driver.now)))
        #expect(driver.last.words.contains("start 0"))
        #expect(driver.machine.problem == nil)
    }
}
