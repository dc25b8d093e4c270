import Bytes
import ClientCore
import Domain
import Testing
import Wire

/// Projects that share a host, each with a machine of its own and a server that has always the same kind of task, and
/// gives it to whoever asks. Minute by minute.
struct SharedHost {
    struct Tally {
        var inTime = 0
        var late = 0
        /// Given back before anything was computed.
        var declined = 0
        /// Seconds computed of tasks that went back, or came too late.
        var lostSeconds = 0.0
        var computedSeconds = 0.0
    }

    private let cores: Int
    private let taskSeconds: Double
    private let deadlineSeconds: Double
    private var drivers: [Driver] = []
    private var book = ShareBook()
    private var random = SeededGenerator(seed: 1)
    private var made: Int64 = 0
    /// Seconds that were computed, by project and task.
    private var done: [[TaskID: Double]] = []
    private var computing: [Set<TaskID>] = []
    private(set) var tallies: [Tally] = []

    init(projects: Int, cores: Int, taskSeconds: Double, deadlineSeconds: Double) {
        self.cores = cores
        self.taskSeconds = taskSeconds
        self.deadlineSeconds = deadlineSeconds
        tallies = [Tally](repeating: Tally(), count: projects)
        done = [[TaskID: Double]](repeating: [:], count: projects)
        computing = [Set<TaskID>](repeating: [], count: projects)
        for at in 0..<projects {
            drivers.append(Driver(cores: cores) { $0.bufferSeconds = 3600 })
            act(at, drivers[at].last)
        }
    }

    mutating func run(hours: Int) throws {
        let step = 60.0
        for _ in 0..<hours * 60 {
            for at in drivers.indices {
                compute(at, step)
                for _ in 0..<3 { divide() }
                send(at, .tick, after: step)
            }
        }
    }

    private mutating func divide() {
        let claims = drivers.indices.map {
            ShareBook.Claim(project: "p\($0)", demand: drivers[$0].machine.demand(now: drivers[$0].now))
        }
        let grants = book.divide(claims, cores: cores, memoryBytes: nil, now: drivers[0].now)
        for at in drivers.indices { send(at, .granted(grants["p\(at)"]!)) }
    }

    private mutating func compute(_ at: Int, _ seconds: Double) {
        for task in computing[at].sorted() {
            done[at][task, default: 0] += seconds
            tallies[at].computedSeconds += seconds
            if done[at][task]! < taskSeconds {
                send(at, .workerProgressed(task, progress(at, task)))
                continue
            }
            computing[at].remove(task)
            if drivers[at].now > drivers[at].machine.state[task: task]!.offer.deadline {
                tallies[at].late += 1
                tallies[at].lostSeconds += taskSeconds
            } else {
                tallies[at].inTime += 1
            }
            end(at, task, 0, Driver.result())
        }
    }

    private func progress(_ at: Int, _ task: TaskID) -> WorkerProgress {
        let used = done[at][task] ?? 0
        return WorkerProgress(
            fraction: min(1, used / taskSeconds), used: Usage(cpuSeconds: used, wallSeconds: used),
            peakMemoryBytes: 0)
    }

    private mutating func end(_ at: Int, _ task: TaskID, _ code: Int32?, _ result: ResultSummary? = nil) {
        var ending = Driver.ending(code, result: result, cpuSeconds: 0)
        ending.progress = progress(at, task)
        send(at, .workerEnded(task, ending))
    }

    private mutating func send(_ at: Int, _ event: ClientEvent, after seconds: Double = 0) {
        let draw = Double(random.next() % 1000) / 1000
        act(at, drivers[at].send(event, after: seconds, random: draw))
    }

    private mutating func act(_ at: Int, _ actions: [ClientAction]) {
        for action in actions {
            switch action {
            case .startWorker(let task):
                computing[at].insert(task)
                send(at, .workerStarted(task))
            case .suspendWorker(let task): computing[at].remove(task)
            case .resumeWorker(let task): computing[at].insert(task)
            case .stopWorker(let task), .killWorker(let task):
                computing[at].remove(task)
                if case .stopWorker = action { end(at, task, 75) } else { end(at, task, nil) }
            case .call(let call):
                send(at, .callAnswered(reply(at, call)))
            default: break
            }
        }
    }

    private mutating func reply(_ at: Int, _ call: SchedulerCall) -> WireSchedulerReply {
        let project = drivers[at].project
        let receipts = call.request.reports.map { report -> WireReceipt in
            let task = TaskID(rawValue: Int64(report.taskID))
            guard case .finished(let result)? = drivers[at].stage(task) else {
                let used = done[at][task] ?? 0
                tallies[at].declined += used == 0 ? 1 : 0
                tallies[at].lostSeconds += used
                return project.receipt(task, nil)
            }
            return project.receipt(task, result.digest)
        }
        var offers: [WireTaskOffer] = []
        for _ in 0..<call.request.wantTasks {
            made += 1
            let task = project.task(made)
            guard let unit = try? project.container(task, change: { $0.flopsBound = 1e18 }) else { continue }
            let deadline = drivers[at].now + TimeSpan(seconds: deadlineSeconds)
            var offer = project.offer(task, unit: unit, deadlineMs: UInt64(deadline.milliseconds))
            offer.estimatedSeconds = taskSeconds
            offer.flops = taskSeconds * 1e9
            offers.append(offer)
        }
        return project.reply(offers: offers, receipts: receipts)
    }
}

@Suite("Projects that share a core take what fits into their part of it")
struct OvercommitTests {
    @Test("Tasks that a whole core could just do are not begun by both, and nothing that was begun is lost")
    func twentyHours() throws {
        var host = SharedHost(projects: 2, cores: 1, taskSeconds: 20 * 3600, deadlineSeconds: 24 * 3600)
        try host.run(hours: 96)
        let lost = host.tallies.reduce(0) { $0 + $1.lostSeconds }
        #expect(lost < 3600, "\(host.tallies)")
        #expect(host.tallies.reduce(0) { $0 + $1.late } == 0)
        #expect(host.tallies.reduce(0) { $0 + $1.inTime } >= 3, "\(host.tallies)")
    }

    @Test(
        "Tasks that fit into the parts are taken by all and done in time",
        arguments: [(2, 1, 8.0), (3, 1, 6), (3, 2, 8), (2, 3, 12)])
    func fitting(projects: Int, cores: Int, hours: Double) throws {
        var host = SharedHost(
            projects: projects, cores: cores, taskSeconds: hours * 3600, deadlineSeconds: 24 * 3600)
        try host.run(hours: 120)
        for tally in host.tallies {
            #expect(tally.inTime >= 3, "\(host.tallies)")
            #expect(tally.late == 0 && tally.lostSeconds < 0.05 * tally.computedSeconds, "\(host.tallies)")
        }
        let computed = host.tallies.reduce(0) { $0 + $1.computedSeconds }
        #expect(computed > 0.9 * 120 * 3600 * Double(cores), "\(computed / 3600)")
    }

    @Test("The server is told of the part as availability")
    func availability() throws {
        for (buffer, cores, availability) in [(0.5, 1, 0.5), (1.5, 2, 0.75), (2, 2, 1), (0.01, 1, 0.1)]
            as [(Double, UInt32, Double)]
        {
            var driver = Driver(cores: 4) { $0.bufferSeconds = 86_400 }
            driver.send(.callAnswered(driver.project.reply()))
            driver.send(.granted(CoreGrant(cores: 1, bufferCores: buffer, isShared: true)))
            driver.send(.tick, after: 7200)
            let request = try #require(driver.call?.request)
            #expect(
                request.profile.cores == cores
                    && request.availability == driver.machine.state.availability * availability,
                "\(buffer)")
        }
    }
}
