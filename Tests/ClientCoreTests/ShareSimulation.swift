import Bytes
import ClientCore
import Domain
import Testing

/// Projects on one machine, second by second for hours: their workers start and leave as the book says.
struct ShareSimulation {
    struct Project {
        var name: String
        var share: Double
        var memoryBytes: Int64 = 0
        /// Seconds of a task.
        var taskSeconds = 1800.0
        /// Whether it has work at an hour.
        var hasWork: @Sendable (Int) -> Bool = { _ in true }
        /// Whether all its tasks are in danger of their deadlines.
        var isEndangered = false
    }

    let cores: Int
    let memoryBytes: Int64?
    var projects: [Project] = []
    private(set) var used: [String: Double] = [:]
    private(set) var idleBesideWork = 0.0
    /// Workers that began, by project.
    private(set) var starts: [String: Int] = [:]
    private var book = ShareBook()
    /// Seconds left of each running task.
    private var running: [String: [Double]] = [:]
    private var now = Timestamp(seconds: 1_800_000_000)
    private var hour = 0

    init(cores: Int, memoryBytes: Int64? = nil) {
        self.cores = cores
        self.memoryBytes = memoryBytes
    }

    mutating func run(hours: Int) {
        let step = 30.0
        for _ in 0..<hours {
            for _ in 0..<Int(3600 / step) { self.step(step) }
            hour += 1
        }
    }

    private func claims() -> [ShareBook.Claim] {
        projects.map { project in
            let count = running[project.name, default: []].count
            let needs = project.hasWork(hour) ? max(cores, count) : count
            return ShareBook.Claim(
                project: project.name, share: project.share,
                demand: ProjectDemand(
                    needs: (0..<needs).map {
                        .init(
                            memoryBytes: project.memoryBytes, isEndangered: project.isEndangered, isRunning: $0 < count)
                    }, running: count, runningMemoryBytes: Int64(count) * project.memoryBytes,
                    mayHaveMore: project.hasWork(hour)))
        }
    }

    private mutating func step(_ seconds: Double) {
        // As often as the client does it: after every start and end.
        for _ in 0..<3 { follow(book.divide(claims(), cores: cores, memoryBytes: memoryBytes, now: now)) }
        let busy = running.values.reduce(0) { $0 + $1.count }
        #expect(busy <= cores)
        if memoryBytes == nil, busy < cores, projects.contains(where: { $0.hasWork(hour) }) {
            idleBesideWork += seconds
        }
        for (name, tasks) in running {
            used[name, default: 0] += Double(tasks.count) * seconds
            running[name] = tasks.map { $0 - seconds }.filter { $0 > 0 }
        }
        now = now + TimeSpan(seconds: seconds)
    }

    private mutating func follow(_ grants: [String: CoreGrant]) {
        for project in projects {
            var tasks = running[project.name, default: []]
            let grant = grants[project.name]!
            // Those beyond the grant write a checkpoint and go; what is begun again goes on from there.
            if tasks.count > grant.cores { tasks.removeLast(tasks.count - grant.cores) }
            while tasks.count < grant.cores, project.hasWork(hour) {
                let memory = Int64(tasks.count + 1) * project.memoryBytes + grant.othersMemoryBytes
                guard memoryBytes.map({ memory <= $0 }) ?? true || tasks.isEmpty && grant.othersMemoryBytes == 0 else {
                    break
                }
                tasks.append(project.taskSeconds)
                starts[project.name, default: 0] += 1
            }
            running[project.name] = tasks
        }
    }
}

@Suite("Shares in the long run")
struct ShareConvergenceTests {
    @Test("Use follows the shares, whatever the tasks' lengths and the number of cores", arguments: 0..<8)
    func convergence(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var simulation = ShareSimulation(cores: 1 + Int(random.next() % 4))
        let count = 2 + Int(random.next() % 3)
        for number in 0..<count {
            simulation.projects.append(
                .init(
                    name: "p\(number)", share: [50, 100, 200, 400][Int(random.next() % 4)],
                    taskSeconds: Double(300 + random.next() % 20_000)))
        }
        simulation.run(hours: 10 * 24)
        let all = simulation.used.values.reduce(0, +)
        let shares = simulation.projects.reduce(0) { $0 + $1.share }
        for project in simulation.projects {
            let part = simulation.used[project.name]! / all
            #expect(abs(part - project.share / shares) < 0.03, "seed \(seed), \(project.name): \(part)")
        }
    }

    @Test("A project without work for two days leaves nothing idle, and has its share again after", arguments: [1, 4])
    func gap(cores: Int) {
        var simulation = ShareSimulation(cores: cores)
        simulation.projects = [
            .init(name: "a", share: 100), .init(name: "b", share: 100, hasWork: { !(48..<96).contains($0) }),
        ]
        simulation.run(hours: 96)
        let before = simulation.used
        #expect(simulation.idleBesideWork == 0)
        #expect(before["a"]! > 1.8 * before["b"]!)
        // It may catch up for a while, and does not take the machine for days.
        simulation.run(hours: 240)
        let later = simulation.used.mapValues { $0 }
        let part = (later["b"]! - before["b"]!) / (240 * 3600 * Double(cores))
        #expect(0.5 < part && part < 0.62, "\(part)")
    }

    @Test("Nobody starves beside a project whose tasks are always in a hurry")
    func hurry() {
        var simulation = ShareSimulation(cores: 2)
        simulation.projects = [
            .init(name: "calm", share: 100), .init(name: "hurried", share: 100, isEndangered: true),
        ]
        simulation.run(hours: 20 * 24)
        let all = simulation.used.values.reduce(0, +)
        #expect(simulation.used["calm"]! > 0.4 * all, "\(simulation.used)")
    }

    @Test("Two projects whose tasks are always in a hurry change once a slice, and share fairly", arguments: 1...3)
    func twoHurried(cores: Int) {
        var simulation = ShareSimulation(cores: cores)
        simulation.projects = ["a", "b"].map {
            .init(name: $0, share: 100, taskSeconds: 20 * 3600, isEndangered: true)
        }
        simulation.run(hours: 48)
        let all = simulation.used.values.reduce(0, +)
        for (name, used) in simulation.used {
            #expect(abs(used / all - 0.5) < 0.03, "\(name): \(used)")
            #expect(simulation.starts[name]! <= 49 * cores, "\(name): \(simulation.starts[name]!) starts")
        }
        #expect(simulation.idleBesideWork == 0)
    }

    @Test("A project that comes late does not have the machine for itself until it has caught up")
    func newcomer() {
        var simulation = ShareSimulation(cores: 2)
        simulation.projects = [.init(name: "old", share: 100)]
        simulation.run(hours: 100)
        let before = simulation.used["old"]!
        simulation.projects.append(.init(name: "new", share: 100))
        simulation.run(hours: 48)
        let new = simulation.used["new"]!
        #expect(abs(new / (simulation.used["old"]! - before) - 1) < 0.1)
    }
}
