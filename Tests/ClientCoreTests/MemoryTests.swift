import Bytes
import ClientCore
import Domain
import Testing
import Wire

@Suite("Memory is given back when it is short")
struct MemoryTests {
    static let total: Int64 = 16 << 30
    /// A tenth of the memory.
    static let reserve = Int64(Double(total) * 0.1)

    static func reading(_ available: Int64, pressure: Double? = 0) -> ClientEvent {
        .memoryRead(MemoryReading(availableBytes: available, totalBytes: total, pressure: pressure))
    }

    /// A machine with so many workers, each of which has taken a gibibyte more than the one before.
    static func driver(_ workers: Int) throws -> (Driver, [TaskID]) {
        var driver = Driver(cores: workers)
        let tasks = try (0..<workers).map { try driver.takeUp(Int64($0)) }
        for (at, task) in tasks.enumerated() {
            driver.send(.workerStarted(task))
            driver.send(
                .workerProgressed(
                    task,
                    WorkerProgress(fraction: 0.1, used: Usage(), peakMemoryBytes: Int64(at + 1) << 30)))
        }
        return (driver, tasks)
    }

    static func row(_ driver: Driver, _ task: TaskID) -> ClientStatus.Task? {
        driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).tasks.first { $0.id == task.description }
    }

    @Test("The largest leaves first; the next one only when it has gone and it was not enough")
    func largestFirst() throws {
        var (driver, tasks) = try Self.driver(3)
        driver.send(Self.reading(Self.reserve))
        #expect(driver.last.words.isEmpty)
        driver.send(Self.reading(Self.reserve - 1))
        #expect(driver.last.words == ["stop 2"])
        driver.send(Self.reading(Self.reserve - 1), after: 3)
        #expect(driver.last.words.isEmpty)
        driver.send(.workerEnded(tasks[2], Driver.ending(75)), after: 0.5)
        #expect(!driver.last.words.contains { $0.hasPrefix("start") || $0.hasPrefix("stop") })
        driver.send(Self.reading(Self.reserve - 1), after: 0.5)
        #expect(driver.last.words.isEmpty)
        driver.send(Self.reading(Self.reserve - 1), after: 1)
        #expect(driver.last.words == ["stop 1"])
        driver.send(.workerEnded(tasks[1], Driver.ending(75)), after: 0.5)
        driver.send(Self.reading(Self.reserve + 1), after: 2)
        #expect(driver.last.words.isEmpty)
        // It is no failure of theirs.
        #expect(driver.failure == nil && driver.machine.state.failuresInRow == 0)
    }

    @Test("Of several projects, too, one worker leaves at a time, the largest of all first")
    func severalProjects() throws {
        var (small, smallTasks) = try Self.driver(1)
        var (large, largeTasks) = try Self.driver(3)
        var book = ShareBook()
        /// What both decide at a reading of a shortage, after so many seconds.
        func short(after seconds: Double) -> [String] {
            let claims = [("a", small), ("b", large)].map {
                ShareBook.Claim(project: $0, share: 100, demand: $1.machine.demand(now: $1.now))
            }
            let grants = book.divide(claims, cores: 4, memoryBytes: nil, now: small.now)
            var said: [String] = []
            for (event, wait) in [(nil, 0), (Self.reading(Self.reserve - 1), seconds)] as [(ClientEvent?, Double)] {
                let a = small.send(event ?? .granted(grants["a"]!), after: wait)
                let b = large.send(event ?? .granted(grants["b"]!), after: wait)
                said += a.words.filter { $0.hasPrefix("stop") }.map { "a: \($0)" }
                said += b.words.filter { $0.hasPrefix("stop") }.map { "b: \($0)" }
            }
            return said
        }
        #expect(short(after: 1) == ["b: stop 2"])
        #expect(short(after: 1).isEmpty)
        large.send(.workerEnded(largeTasks[2], Driver.ending(75)))
        #expect(short(after: 0.5).isEmpty, "what it left does not show yet")
        #expect(short(after: 1).isEmpty, "it was not looked at since")
        #expect(short(after: 0) == ["b: stop 1"])
        large.send(.workerEnded(largeTasks[1], Driver.ending(75)))
        _ = short(after: 2)
        // Now both are of one size, and only one of them goes.
        let last = short(after: 0)
        #expect(last.count == 1, "\(last)")
        let (gone, next) = last == ["b: stop 0"] ? ("b", "a: stop 0") : ("a", "b: stop 0")
        if gone == "b" {
            large.send(.workerEnded(largeTasks[0], Driver.ending(75)))
        } else {
            small.send(.workerEnded(smallTasks[0], Driver.ending(75)))
        }
        _ = short(after: 2)
        #expect(short(after: 0) == [next])
    }

    @Test("One that was made to leave comes back when there has been room for a while, for itself as well")
    func hysteresis() throws {
        var (driver, tasks) = try Self.driver(2)
        driver.send(Self.reading(Self.reserve / 2))
        #expect(driver.last.words == ["stop 1"])
        driver.send(.workerEnded(tasks[1], Driver.ending(75)), after: 1)
        // Just over the reserve is not room, however long.
        for _ in 0..<60 {
            driver.send(Self.reading(Self.reserve + 1), after: 1)
            #expect(driver.last.words.isEmpty)
        }
        let word = Self.row(driver, tasks[1])
        #expect(word?.state == "ready")
        #expect(word?.message?.hasPrefix("waits for memory: 1638 MiB are available, 2457 are kept for others") == true)
        // Room, but it took two gibibytes.
        let room = Self.reserve / 2 * 3
        for _ in 0..<60 {
            driver.send(Self.reading(room + (2 << 30) - 1), after: 1)
            #expect(driver.last.words.isEmpty)
        }
        driver.send(Self.reading(room + 2 << 30), after: 1)
        #expect(driver.last.words.contains("start 1"))
    }

    @Test("A moment of room in a shortage is no room")
    func moment() throws {
        var (driver, tasks) = try Self.driver(1)
        driver.send(Self.reading(0))
        #expect(driver.last.words == ["stop 0"])
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        for _ in 0..<10 {
            for _ in 0..<29 { driver.send(Self.reading(Self.total), after: 1) }
            #expect(!driver.last.words.contains("start 0"))
            #expect(Self.row(driver, tasks[0])?.message == "waits for memory: it was short a moment ago")
            driver.send(Self.reading(0), after: 1)
        }
        for _ in 0..<30 { driver.send(Self.reading(Self.total), after: 1) }
        #expect(!driver.last.words.contains("start 0"))
        driver.send(Self.reading(Self.total), after: 1)
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("Programs that wait for memory are a sign of it, too; their mean needs time to fall")
    func pressure() throws {
        var (driver, tasks) = try Self.driver(2)
        driver.send(Self.reading(Self.total, pressure: 10))
        #expect(driver.last.words.isEmpty)
        driver.send(Self.reading(Self.total, pressure: 10.1))
        #expect(driver.last.words == ["stop 1"])
        driver.send(.workerEnded(tasks[1], Driver.ending(75)), after: 1)
        driver.send(Self.reading(Self.total, pressure: 20), after: 9)
        #expect(driver.last.words.isEmpty)
        #expect(Self.row(driver, tasks[1])?.message == "waits for memory: other programs have to wait for it")
        driver.send(Self.reading(Self.total, pressure: 20), after: 2)
        #expect(driver.last.words == ["stop 0"])
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        // Half of the bound is what must be reached.
        for _ in 0..<60 {
            driver.send(Self.reading(Self.total, pressure: 5.1), after: 1)
            #expect(driver.last.words.isEmpty)
        }
        for _ in 0..<31 { driver.send(Self.reading(Self.total, pressure: 5), after: 1) }
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("A worker that stands still holds memory, too, and is asked all the same")
    func suspended() throws {
        var (driver, task) = try PausingTests.driver()
        driver.send(.probed(PausingTests.here(driver.now)))
        #expect(driver.last.words == ["suspend 0"])
        driver.send(Self.reading(0), after: 1)
        #expect(driver.last.words == ["stop 0"])
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        #expect(driver.stage(task) == .ready)
    }

    @Test("One that does not leave is killed in time; one that is being started goes when it has begun")
    func stubborn() throws {
        var (driver, tasks) = try Self.driver(1)
        driver.send(Self.reading(0))
        driver.send(Self.reading(0), after: 9)
        #expect(driver.last.words.isEmpty)
        driver.send(.tick, after: 2)
        #expect(driver.last.words == ["kill 0"])
        driver.send(.tick, after: 20)
        #expect(driver.last.words.isEmpty)
        driver.send(.workerEnded(tasks[0], Driver.ending(nil)), after: 1)
        #expect(driver.stage(tasks[0]) == .ready && driver.failure == nil)

        var starting = Driver()
        let task = try starting.takeUp()
        starting.send(Self.reading(0))
        #expect(starting.last.words.isEmpty)
        #expect(!starting.machine.isStartWanted(task))
        starting.send(.workerStarted(task), after: 1)
        #expect(starting.last.words == ["stop 0"])
    }

    @Test("The first worker may try whatever its unit declares; more need the room that they declare")
    func starts() throws {
        var driver = Driver(cores: 2)
        let room = Self.reserve / 2 * 3
        driver.send(Self.reading(room))
        let first = try driver.takeUp(0) { $0.memoryBytes = 1 << 30 }
        #expect(driver.last.words.contains("start 0"))
        driver.send(.workerStarted(first))
        let second = try driver.takeUp(1) { $0.memoryBytes = 1 << 30 }
        #expect(!driver.last.words.contains("start 1"))
        #expect(Self.row(driver, second)?.message?.hasSuffix("it needs 1024") == true)
        driver.send(Self.reading(room + 1 << 30), after: 1)
        #expect(driver.last.words == ["start 1"])
    }

    @Test("Without readings, or with old ones, memory is no reason for anything")
    func unknown() throws {
        var (driver, tasks) = try Self.driver(1)
        driver.send(Self.reading(0))
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        driver.send(.tick, after: 30)
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 31)
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("A clock that is set back changes none of the waits")
    func clock() throws {
        var (driver, tasks) = try Self.driver(1)
        driver.send(Self.reading(0))
        driver.send(.workerEnded(tasks[0], Driver.ending(75)), after: 1)
        driver.send(Self.reading(Self.total), after: 1)
        driver.send(Self.reading(Self.total), after: -86_400)
        for _ in 0..<29 { driver.send(Self.reading(Self.total), after: 1) }
        #expect(!driver.last.words.contains("start 0"))
        for _ in 0..<2 { driver.send(Self.reading(Self.total), after: 1) }
        #expect(driver.machine.isStartWanted(tasks[0]))
    }

    /// Whatever the memory does: never two on their way out because of it, always the largest, none started while it is
    /// short, and in the end everybody runs again.
    @Test("Random weather", arguments: 1...20)
    func weather(seed: UInt64) throws {
        var draw = SeededGenerator(seed: seed)
        var (driver, tasks) = try Self.driver(4)
        var leaving: Set<TaskID> = []
        var running = Set(tasks)
        var available = Self.total
        for _ in 0..<400 {
            if Int.random(in: 0..<4, using: &draw) == 0 {
                available = Int64.random(in: 0...Self.total, using: &draw)
            }
            var events = [Self.reading(available)]
            if let task = leaving.sorted().randomElement(using: &draw), Bool.random(using: &draw) {
                leaving.remove(task)
                running.remove(task)
                events.append(.workerEnded(task, Driver.ending(75)))
            }
            for event in events {
                for action in driver.send(event, after: 1) {
                    switch action {
                    case .stopWorker(let task):
                        #expect(leaving.isEmpty && available < Self.reserve)
                        #expect(running.max() == task)
                        leaving.insert(task)
                    case .killWorker: break
                    case .startWorker(let task):
                        #expect(available >= Self.reserve / 2 * 3)
                        running.insert(task)
                        driver.send(.workerStarted(task))
                        let bytes = Int64((tasks.firstIndex(of: task) ?? 0) + 1) << 30
                        driver.send(
                            .workerProgressed(
                                task, WorkerProgress(fraction: 0.1, used: Usage(), peakMemoryBytes: bytes)))
                    default: break
                    }
                }
            }
        }
        for task in leaving {
            running.remove(task)
            driver.send(.workerEnded(task, Driver.ending(75)))
        }
        for _ in 0..<40 {
            for case .startWorker(let task) in driver.send(Self.reading(Self.total), after: 1) { running.insert(task) }
        }
        #expect(running == Set(tasks))
    }
}
