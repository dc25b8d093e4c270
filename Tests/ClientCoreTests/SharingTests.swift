import ClientCore
import Domain
import Testing
import Wire

@Suite("A project that shares the machine")
struct SharingTests {
    /// A machine with so many tasks whose workers run, if it may.
    static func driver(cores: Int, tasks: Int, deadlineMs: (Int) -> UInt64 = { _ in 1 << 50 }) throws -> Driver {
        var driver = Driver(cores: cores) { $0.bufferSeconds = 86_400 }
        let offers = try (0..<tasks).map { index in
            let task = driver.project.task(Int64(index))
            return driver.project.offer(
                task, unit: try driver.project.container(task), deadlineMs: deadlineMs(index))
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        for action in driver.last { if case .startWorker(let task) = action { driver.send(.workerStarted(task)) } }
        return driver
    }

    @Test("It starts no more workers than it was granted, and more when it is granted more")
    func grants() throws {
        var driver = try Self.driver(cores: 4, tasks: 0)
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 2, isShared: true)))
        let offers = try (0..<4).map { index in
            let task = driver.project.task(Int64(index))
            return driver.project.offer(task, unit: try driver.project.container(task))
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        #expect(driver.last.words.filter { $0.hasPrefix("start") } == ["start 0"])
        driver.send(.granted(CoreGrant(cores: 3, bufferCores: 2, isShared: true)))
        #expect(driver.last.words == ["start 1", "start 2"])
    }

    @Test("With fewer cores those leave whose deadlines are the furthest; their tasks stay")
    func fewer() throws {
        var driver = try Self.driver(cores: 3, tasks: 3) { 1 << 50 - UInt64($0) }
        #expect(driver.machine.demand(now: driver.now).running == 3)
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, isShared: true)))
        #expect(driver.last.words == ["stop 0", "stop 1"])
        // Asked once.
        #expect(driver.send(.tick, after: 1).isEmpty)
        for index: Int64 in [0, 1] {
            driver.send(.workerEnded(driver.project.task(index), Driver.ending(75)), after: 1)
            #expect(driver.last.words.filter { $0.hasPrefix("st") }.isEmpty)
            #expect(driver.stage(driver.project.task(index)) == .ready)
        }
        #expect(driver.machine.demand(now: driver.now).running == 1)
    }

    @Test("A core whose worker has ended goes back to be divided; alone, the next task takes it")
    func ended() throws {
        for isShared in [true, false] {
            var driver = try Self.driver(cores: 1, tasks: 2)
            driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, isShared: isShared)))
            driver.send(
                .workerEnded(driver.project.task(0), Driver.ending(0, result: Driver.result())), after: 10)
            #expect(driver.last.words.contains("start 1") == !isShared)
            #expect(driver.machine.grant.cores == (isShared ? 0 : 1))
            driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, isShared: isShared)))
            #expect(driver.machine.demand(now: driver.now).running == 1)
        }
    }

    @Test("It asks for work by its part of the buffer, and for none without one")
    func buffer() {
        for (part, wanted) in [(4.0, 4), (2.0, 2), (0.5, 1), (0, 0)] as [(Double, UInt32)] {
            var driver = Driver(cores: 4) { $0.bufferSeconds = 86_400 }
            driver.send(.callAnswered(driver.project.reply()))
            driver.send(.granted(CoreGrant(cores: 4, bufferCores: part, isShared: true)))
            driver.send(.tick, after: 7200)
            #expect(driver.call?.request.wantTasks == wanted, "\(part)")
        }
    }

    @Test("Others' tasks count as memory in use, so that the first one waits, too")
    func memory() throws {
        var driver = Driver()
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, othersMemoryBytes: 6 << 30, isShared: true)))
        let task = try driver.takeUp()
        #expect(!driver.last.words.contains("start 0"))
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        #expect(status.tasks[0].message == "waits for memory: it needs 64 MiB, others hold 6144 of 6144")
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, othersMemoryBytes: 1 << 30, isShared: true)))
        #expect(driver.last.words == ["start 0"])
        withExtendedLifetime(task) {}
    }

    @Test("Its demand names what runs and what could, endangered tasks first")
    func demand() throws {
        var driver = Driver(cores: 1) { $0.bufferSeconds = 86_400 }
        let near = UInt64((driver.now + TimeSpan(seconds: 12)).milliseconds)
        let offers = try [(0, 1 << 50), (1, near), (2, 1 << 49)].map { index, deadline in
            let task = driver.project.task(Int64(index))
            return driver.project.offer(task, unit: try driver.project.container(task), deadlineMs: deadline)
        }
        driver.send(.callAnswered(driver.project.reply(offers: [offers[0]])))
        driver.send(.workerStarted(driver.project.task(0)))
        driver.send(.tick, after: 1)
        driver.send(.callAnswered(driver.project.reply(offers: Array(offers[1...]))))
        let demand = driver.machine.demand(now: driver.now)
        #expect(demand.needs.map(\.isEndangered) == [true, false, false])
        #expect(demand.needs.allSatisfy { $0.memoryBytes == 64 << 20 })
        #expect(demand.running == 1 && demand.staying == 1 && demand.computing == 1)
        #expect(demand.runningMemoryBytes == 64 << 20)
        driver.send(.stopRequested)
        #expect(driver.machine.demand(now: driver.now).needs.isEmpty)
        #expect(driver.machine.demand(now: driver.now).mayHaveMore == false)
    }

    @Test("It demands what it would start: in the order of arrival, and nothing behind a task that memory forbids")
    func demandOrder() throws {
        var driver = Driver(cores: 4) { $0.bufferSeconds = 86_400 }
        driver.send(.granted(CoreGrant(cores: 0, bufferCores: 2, isShared: true)))
        let memory: [UInt64] = [5 << 30, 1 << 30, 64 << 20]
        let offers = try memory.enumerated().map { index, bytes in
            let task = driver.project.task(Int64(index))
            let unit = try driver.project.container(task) { $0.memoryBytes = bytes }
            // The last one is due first.
            return driver.project.offer(task, unit: unit, deadlineMs: 1 << 50 - UInt64(index))
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        func demanded() -> [Int64] { driver.machine.demand(now: driver.now).needs.map(\.memoryBytes) }
        #expect(demanded() == memory.map { Int64($0) })
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 2, isShared: true)))
        #expect(driver.last.words == ["start 0"])
        driver.send(.workerStarted(driver.project.task(0)))
        // Room for the small one only, which must not overtake.
        driver.send(.memoryRead(MemoryReading(availableBytes: 2 << 30, totalBytes: 8 << 30, pressure: nil)))
        #expect(demanded() == [5 << 30])
        driver.send(.memoryRead(MemoryReading(availableBytes: 6 << 30, totalBytes: 8 << 30, pressure: nil)))
        #expect(demanded() == memory.map { Int64($0) })
    }

    @Test("A server that is away, or has no work, has no part in the buffer of the others")
    func mayHaveMore() {
        var driver = Driver()
        #expect(driver.machine.demand(now: driver.now).mayHaveMore)
        driver.send(.callAnswered(driver.project.reply(next: 100)))
        #expect(!driver.machine.demand(now: driver.now).mayHaveMore)
        driver.send(.tick, after: 200)
        driver.send(.callFailed(.failed("nobody answers")))
        #expect(!driver.machine.demand(now: driver.now).mayHaveMore)
    }

    @Test("When its user is back and shares the machine, workers stand still, and none leaves")
    func standStill() throws {
        var driver = try Self.driver(cores: 3, tasks: 3)
        driver.send(.granted(CoreGrant(cores: 3, bufferCores: 3, isShared: true, computing: 1)))
        #expect(driver.last.words == ["suspend 1", "suspend 2"])
        driver.send(.granted(CoreGrant(cores: 3, bufferCores: 3, isShared: true)))
        #expect(driver.last.words == ["resume 1", "resume 2"])
        driver.send(.granted(CoreGrant(cores: 2, bufferCores: 3, isShared: true, computing: 1)))
        #expect(driver.last.words == ["stop 2", "suspend 1"])
    }
}
