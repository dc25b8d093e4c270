import ClientCore
import Domain
import Testing
import Wire

@Suite("A crash at any moment")
struct CrashTests {
    static let tasks = 6

    /// Runs without a crash, to learn how many actions there are.
    static func actions(lostReply: Int?) throws -> Int {
        var world = try World(project: Project(), tasks: tasks, crashAt: nil, lostReply: lostReply)
        world.run()
        try #require(world.isFinished)
        try #require(world.violations.isEmpty)
        return world.actionCount
    }

    @Test("Without a crash every task is computed once")
    func noCrash() throws {
        var world = try World(project: Project(), tasks: Self.tasks, crashAt: nil)
        world.run()
        #expect(world.isFinished)
        #expect(world.violations == [])
        #expect(world.runs.values.allSatisfy { $0 == 1 })
        #expect(world.received.count == Self.tasks)
    }

    @Test(
        "Killed before any single action, it loses no result and computes no finished one again",
        arguments: [nil, 1, 2, 3, 4] as [Int?])
    func everyCrashPoint(lostReply: Int?) throws {
        let project = Project()
        let count = try Self.actions(lostReply: lostReply)
        #expect(count > 30)
        for crashAt in 0..<count {
            var world = try World(project: project, tasks: Self.tasks, crashAt: crashAt, lostReply: lostReply)
            world.run()
            #expect(world.violations == [], "crash before action \(crashAt)")
            #expect(world.isFinished, "crash before action \(crashAt): \(world.received.count) results arrived")
            let proven = try world.kept.flatMap { try $0.verified().receipts }.filter(\.isForResult)
            let results = Dictionary(
                proven.map { (TaskID(rawValue: Int64($0.taskID)), Digest(bytes: $0.resultSha256)) },
                uniquingKeysWith: { first, _ in first })
            #expect(results == world.received.mapValues { $0 }, "crash before action \(crashAt): receipts are lacking")
        }
    }

    @Test("A client that lost its state takes its tasks up from their folders")
    func lostState() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task)
        let offer = Offer(
            task: task, project: "p",
            unit: try #require(Digest(bytes: driver.project.offer(task, unit: unit).unitSha256)),
            unitBytes: Int64(unit.count), deadline: driver.now + TimeSpan(seconds: 1000), estimatedSeconds: 1,
            uploadTicket: "t", flops: 1e9)
        let result = Driver.result()
        driver.send(
            .started(
                slots: [
                    SlotFinding(task: task, offer: offer, unit: unit, result: result),
                    SlotFinding(task: driver.project.task(5), offer: nil, unit: nil, result: nil),
                ], blobs: []))
        #expect(driver.stage(task) == .finished(result))
        #expect(driver.last.words.contains("drop 5"))
        #expect(!driver.last.words.contains("drop 0"))
        #expect(driver.last.words.contains("save"))
    }

    @Test("A finished task whose result file is gone ends as failed, unless the file is there and cannot be read")
    func lostResult() throws {
        for isUnread in [false, true] {
            var driver = Driver()
            let task = try driver.takeUp()
            driver.send(.workerStarted(task))
            driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
            var restarted = ClientMachine(
                state: driver.machine.state, settings: driver.machine.settings, machineCores: 1, now: driver.now)
            var slot = SlotFinding(task: task, offer: nil, unit: try driver.project.container(task), result: nil)
            slot.isResultUnread = isUnread
            _ = restarted.handle(.started(slots: [slot], blobs: []), now: driver.now, random: 0.5)
            let stage = restarted.state[task: task]?.stage
            let failed = HeldTask.Stage.failed(code: .workerFailed, message: "the result file was damaged on disk")
            #expect(stage == (isUnread ? .finished(Driver.result()) : failed))
        }
    }

    @Test("A container that was damaged on disk is fetched anew, not run")
    func damagedUnit() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        var unit = try driver.project.container(task)
        unit[20] ^= 1
        var restarted = ClientMachine(
            state: driver.machine.state, settings: driver.machine.settings, machineCores: 1, now: driver.now)
        let actions = restarted.handle(
            .started(slots: [SlotFinding(task: task, offer: nil, unit: unit, result: nil)], blobs: []),
            now: driver.now, random: 0.5)
        #expect(actions.words.contains("fetch unit 0"))
        #expect(!actions.words.contains("start 0"))
    }
}

@Suite("The state file")
struct StateFileTests {
    static func state() throws -> ClientState {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        return driver.machine.state
    }

    @Test("What was written is read")
    func roundTrip() throws {
        let state = try Self.state()
        #expect(try StateFile.decode(try StateFile.encode(state)) == state)
    }

    @Test("Cut off anywhere, or changed in any byte, it is refused")
    func damage() throws {
        let good = try StateFile.encode(try Self.state())
        for length in stride(from: 0, to: good.count, by: 11) {
            #expect(throws: Fault.self) { try StateFile.decode(Array(good.prefix(length))) }
        }
        for at in stride(from: 0, to: good.count - 1, by: 13) {
            var bad = good
            bad[at] ^= 1
            #expect(throws: Fault.self) { try StateFile.decode(bad) }
        }
    }
}
