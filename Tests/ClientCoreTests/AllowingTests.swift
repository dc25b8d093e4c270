import Bytes
import ClientCore
import Domain
import Preferences
import Testing
import Wire

@Suite("How the allowance reaches workers and requests")
struct AllowingTests {
    /// A machine of four cores that computes beside its user, on one of them.
    static func driver(
        _ count: Int, memoryMiB: UInt64 = 64, change: (inout ClientSettings) -> Void = { _ in }
    ) throws -> (Driver, [TaskID]) {
        var driver = Driver(cores: 4) { settings in
            settings.idle.always = false
            settings.idle.preferences.inUse = Preferences.UseLimits(
                compute: true, cores: .count(1), cpuPercent: 100, memoryPercent: 75)
            change(&settings)
        }
        driver.send(.probed(PausingTests.away(driver.now)))
        driver.send(.callAnswered(driver.project.reply()))
        var tasks: [TaskID] = []
        for index in 0..<count {
            driver.now = driver.now + TimeSpan(seconds: 1)
            tasks.append(try driver.takeUp(Int64(index)) { $0.memoryBytes = memoryMiB << 20 })
            driver.send(.workerStarted(tasks[index]))
        }
        return (driver, tasks)
    }

    static func quick(_ actions: [ClientAction]) -> [String] { actions.words.filter { $0 != "save" && $0 != "call" } }

    @Test("Fewer cores: the youngest stand still at once; more cores: they go on, the oldest first")
    func cores() throws {
        var (driver, _) = try Self.driver(3)
        driver.send(.probed(PausingTests.here(driver.now)))
        #expect(Self.quick(driver.last) == ["suspend 1", "suspend 2"])
        driver.send(.tick, after: 1)
        #expect(Self.quick(driver.last) == [])
        driver.send(.probed(PausingTests.away(driver.now)), after: 1)
        #expect(Self.quick(driver.last) == ["resume 1", "resume 2"])
    }

    @Test("When the oldest ends, the next one takes its core")
    func nextInLine() throws {
        var (driver, tasks) = try Self.driver(3)
        driver.send(.probed(PausingTests.here(driver.now)))
        driver.send(.workerEnded(tasks[0], Driver.ending(0, result: Driver.result())))
        #expect(Self.quick(driver.last).contains("resume 1"))
        #expect(!Self.quick(driver.last).contains("resume 2"))
    }

    @Test("Nothing new is begun while the user has the cores")
    func noNewStarts() throws {
        var (driver, _) = try Self.driver(1)
        driver.send(.probed(PausingTests.here(driver.now)))
        _ = try driver.takeUp(1)
        #expect(!driver.last.words.contains("start 1"))
        driver.send(.probed(PausingTests.away(driver.now)), after: 1)
        #expect(driver.last.words.contains("start 1"))
    }

    @Test("Less memory: those that no longer fit stand still, but for one")
    func memory() throws {
        // 8 GiB: three of 2 GiB fit into three quarters, one into a quarter.
        var (driver, _) = try Self.driver(3, memoryMiB: 2048) {
            $0.idle.preferences.inUse = Preferences.UseLimits(
                compute: true, cores: .count(4), cpuPercent: 100, memoryPercent: 25)
        }
        driver.send(.probed(PausingTests.here(driver.now)))
        #expect(Self.quick(driver.last) == ["suspend 1", "suspend 2"])
        var (tight, _) = try Self.driver(1, memoryMiB: 4096) {
            $0.idle.preferences.inUse = Preferences.UseLimits(
                compute: true, cores: .count(4), cpuPercent: 100, memoryPercent: 1)
        }
        tight.send(.probed(PausingTests.here(tight.now)))
        #expect(Self.quick(tight.last) == [], "one may always run")
    }

    @Test("The share of a core is told when it changes, and only then")
    func cpu() throws {
        var (driver, _) = try Self.driver(1) {
            $0.idle.preferences.inUse = Preferences.UseLimits(
                compute: true, cores: .count(1), cpuPercent: 40, memoryPercent: 75)
        }
        driver.send(.probed(PausingTests.here(driver.now)))
        #expect(Self.quick(driver.last) == ["limit 40"])
        driver.send(.probed(PausingTests.here(driver.now)), after: 1)
        #expect(Self.quick(driver.last) == [])
        driver.send(.probed(PausingTests.away(driver.now)), after: 1)
        #expect(Self.quick(driver.last) == ["limit 100"])
    }

    @Test("Short memory: workers stand still, then write their checkpoints and leave at once")
    func memoryPressure() throws {
        var (driver, _) = try Self.driver(2)
        let short = ProbeReading(kind: .pressure, value: .pressure(cpu: 0, memory: 50, disk: 0), at: driver.now)
        driver.send(.probed([short]))
        #expect(Self.quick(driver.last) == ["suspend 0", "suspend 1"])
        driver.send(.tick, after: 1)
        #expect(Self.quick(driver.last) == ["stop 0", "stop 1"])
    }

    @Test("How long a paused worker stays in memory is the preference's", arguments: [0.0, 60, nil])
    func keepInMemory(seconds: Double?) throws {
        var (driver, _) = try Self.driver(2) {
            $0.idle.preferences.keepInMemorySeconds = seconds
            $0.idle.preferences.inUse.compute = false
        }
        driver.send(.probed(PausingTests.here(driver.now)))
        var stoppedAfter: Double?
        for second in 1...2000 where stoppedAfter == nil {
            driver.send(.probed(PausingTests.here(driver.now)), after: 1)
            if driver.last.words.contains("stop 0") { stoppedAfter = Double(second) }
        }
        #expect(stoppedAfter == seconds.map { max(1, $0) })
    }

    @Test("Without permission for the network nothing is sent or fetched; what waits goes when it opens")
    func network() throws {
        var (driver, tasks) = try Self.driver(2)
        let metered = ProbeReading(kind: .network, value: .metered(true), at: driver.now)
        driver.send(.probed([metered]))
        driver.send(.callFailed(.failed("broken off")))
        for (task, result) in zip(tasks, [Driver.result(100), Driver.result(100_000)]) {
            driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 1)
        }
        for _ in 0..<250 {
            driver.send(.probed(PausingTests.away(driver.now)), after: 1)
            #expect(driver.last.words.allSatisfy { $0 == "save" })
        }
        let free = ProbeReading(kind: .network, value: .metered(false), at: driver.now)
        driver.send(.probed([free]), after: 1)
        #expect(driver.last.words.contains("upload 1"))
        #expect(driver.call?.request.reports.map(\.taskID) == [UInt64(tasks[0].rawValue)])
    }

    @Test("Changed preferences hold from the next moment")
    func settingsChanged() throws {
        var (driver, _) = try Self.driver(3)
        var preferences = driver.machine.settings.idle.preferences
        preferences.notInUse.cores = .count(2)
        preferences.bufferSeconds = 7200
        preferences.checkpointSeconds = 5
        driver.send(.settingsChanged(preferences))
        #expect(Self.quick(driver.last) == ["suspend 2"])
        #expect(driver.machine.settings.cores == 2 && driver.machine.settings.bufferSeconds == 7200)
        #expect(driver.machine.settings.checkpointSeconds == 5)
        preferences.notInUse.compute = false
        driver.send(.settingsChanged(preferences), after: 1)
        #expect(Self.quick(driver.last) == ["suspend 0", "suspend 1"])
        preferences.notInUse.compute = true
        preferences.notInUse.cores = .percent(100)
        driver.send(.settingsChanged(preferences), after: 1)
        #expect(Self.quick(driver.last) == ["resume 0", "resume 1", "resume 2"])
    }

    @Test("The server is told of the room that the preferences leave on the disk")
    func disk() throws {
        var (driver, _) = try Self.driver(0)
        let gib: Int64 = 1 << 30
        driver.send(.diskMeasured(free: 10 * gib, used: 2 * gib))
        #expect(driver.machine.settings.profile.diskFreeBytes == 9 * gib)
        var preferences = driver.machine.settings.idle.preferences
        preferences.disk.bytesMax = 3 * gib
        driver.send(.settingsChanged(preferences))
        #expect(driver.machine.settings.profile.diskFreeBytes == gib)
        driver.send(.diskMeasured(free: 10 * gib, used: 5 * gib))
        #expect(driver.machine.settings.profile.diskFreeBytes == 1, "never 0: that is a disk nobody knows")
        // A unit that does not fit is given back.
        let task = driver.project.task(9)
        let unit = try driver.project.container(task)
        driver.send(.callAnswered(driver.project.reply(offers: [driver.project.offer(task, unit: unit)])))
        #expect(driver.failure == .givenBack)
    }

    @Test("Drawn users, loads and preferences: never more tasks at once than allowed, and none against an objection")
    func drawn() throws {
        for seed in 0..<40 {
            var random = SeededGenerator(seed: UInt64(seed))
            var (driver, tasks) = try Self.driver(4)
            // What runs, as the actions say.
            var standing: Set<TaskID> = []
            for _ in 0..<150 {
                let now = driver.now
                let event: ClientEvent
                switch random.nextIndex(below: 6) {
                case 0, 1: event = .probed(PausingTests.here(now))
                case 2, 3: event = .probed(PausingTests.away(now))
                case 4:
                    let hot = Double(random.nextIndex(below: 40)) + 70
                    event = .probed([ProbeReading(kind: .temperature, value: .temperature(hot, sensor: "x"), at: now)])
                default:
                    var preferences = Preferences.standard
                    preferences.inUse.compute = random.nextIndex(below: 2) == 0
                    preferences.inUse.cores = .count(1 + random.nextIndex(below: 4))
                    preferences.notInUse.cores = .count(1 + random.nextIndex(below: 4))
                    preferences.keepInMemorySeconds = nil
                    event = .settingsChanged(preferences)
                }
                driver.send(event, after: Double(random.nextIndex(below: 5)))
                for action in driver.last {
                    switch action {
                    case .suspendWorker(let task): #expect(standing.insert(task).inserted)
                    case .resumeWorker(let task): #expect(standing.remove(task) != nil)
                    default: break
                    }
                }
                let allowance = driver.machine.policy.allowance
                let running = tasks.filter { !standing.contains($0) }
                let most = allowance.mayCompute ? min(4, allowance.cores, driver.machine.settings.cores) : 0
                #expect(running.count == min(4, most))
                #expect(running == Array(tasks.prefix(running.count)), "the oldest run")
            }
            tasks.removeAll()
        }
    }
}
