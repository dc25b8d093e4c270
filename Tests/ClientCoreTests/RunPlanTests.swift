import Bytes
import ClientCore
import Domain
import Testing

@Suite("Which tasks should run")
struct RunPlanTests {
    static func id(_ index: Int) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: Int64(index)), ordinal: 0)
    }

    static func task(_ index: Int, _ seconds: Double, due: Double, isRunning: Bool = false) -> PlannedTask {
        PlannedTask(
            id: id(index), seconds: seconds, expectedSeconds: due, dueSeconds: due, isRunning: isRunning, arrival: index
        )
    }

    @Test("Endangered is what can be done in time, and not much later; what runs is so for longer")
    func endangered() {
        func isEndangered(_ seconds: Double, due: Double, expected: Double, isRunning: Bool = false) -> Bool {
            PlannedTask(
                id: Self.id(0), seconds: seconds, expectedSeconds: expected, dueSeconds: due, isRunning: isRunning,
                arrival: 0
            ).isEndangered
        }
        #expect(!isEndangered(100, due: 126, expected: 126))
        #expect(isEndangered(100, due: 124, expected: 124))
        // Computing, it gains on the clock: the margin grows from a quarter to a half before it may be interrupted.
        #expect(isEndangered(100, due: 149, expected: 149, isRunning: true))
        #expect(!isEndangered(100, due: 151, expected: 151, isRunning: true))
        // Bad luck alone makes it late, or nothing can help it.
        #expect(isEndangered(100, due: 50, expected: 100))
        #expect(!isEndangered(100, due: 50, expected: 99))
    }

    private func indices(_ plan: RunPlan) -> [Int64] { plan.order.map(\.id.unit.index) }

    private static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { shorter in
            (0...shorter.count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    /// When each ends, second by second, with tasks that are as short as that.
    private static func ends(_ order: [PlannedTask], cores: Int) -> [Double] {
        var free = [Double](repeating: 0, count: cores)
        return order.map { task in
            let core = free.indices.min { (free[$0], $0) < (free[$1], $1) } ?? 0
            free[core] += task.seconds
            return free[core]
        }
    }

    private static func isOnTime(_ order: [PlannedTask], cores: Int) -> Bool {
        zip(order, ends(order, cores: cores)).allSatisfy { $1 <= $0.dueSeconds }
    }

    /// All sets of so many tasks of 1 to 3 s, due within 1 to 6 s.
    private static func sets(_ count: Int, running: Int = 0) -> [[PlannedTask]] {
        (0..<count).reduce([[]]) { sets, index in
            sets.flatMap { set in
                (1...3).flatMap { seconds in
                    (1...6).map { due in
                        set + [task(index, Double(seconds), due: Double(due), isRunning: index < running)]
                    }
                }
            }
        }
    }

    @Test(
        "One core: if any order is in time, the plan is, and the order of arrival is kept where it is in time",
        arguments: [0, 1])
    func exhaustive(running: Int) {
        for count in 1...4 {
            let permutations = Self.permutations(count)
            // Every set of three; of four every 13th, which is no divisor of anything here.
            for (at, set) in Self.sets(count, running: running).enumerated() where count < 4 || at % 13 == 0 {
                let plan = RunPlan(set, cores: 1)
                #expect(plan.ends == Self.ends(plan.order, cores: 1))
                let canBe = permutations.contains { order in Self.isOnTime(order.map { set[$0] }, cores: 1) }
                #expect(plan.late.isEmpty == canBe, "\(set)")
                if Self.isOnTime(set, cores: 1) { #expect(plan.order == set && plan.urgent.isEmpty, "\(set)") }
            }
        }
    }

    @Test("Two cores: never more tasks late than in the order of arrival, nor without use anybody before his turn")
    func twoCores() {
        for (at, set) in Self.sets(4).enumerated() where at % 13 == 0 {
            let plan = RunPlan(set, cores: 2)
            let ends = Self.ends(set, cores: 2)
            let lateInTurn = zip(set, ends).filter { $1 > $0.dueSeconds && $0.seconds <= $0.dueSeconds }.count
            let late = zip(plan.order, plan.ends).filter { $1 > $0.dueSeconds && $0.seconds <= $0.dueSeconds }.count
            #expect(late <= lateInTurn, "\(set)")
            #expect(plan.urgent.isEmpty == (late == lateInTurn), "\(set)")
            #expect(Set(plan.order) == Set(set))
        }
    }

    @Test("Who runs is left alone when a waiting task can be in time by coming before other waiting ones")
    func leavesRunningAlone() {
        let plan = RunPlan(
            [Self.task(0, 10, due: 1000, isRunning: true), Self.task(1, 50, due: 1000), Self.task(2, 5, due: 20)],
            cores: 1)
        #expect(indices(plan) == [0, 2, 1])
        #expect(plan.urgent == [Self.id(2)])
    }

    @Test("Who runs makes room when a deadline demands it, and only then")
    func makesRoom() {
        let long = Self.task(0, 100, due: 1000, isRunning: true)
        #expect(indices(RunPlan([long, Self.task(1, 5, due: 20)], cores: 1)) == [1, 0])
        #expect(indices(RunPlan([long, Self.task(1, 5, due: 105)], cores: 1)) == [0, 1])
        // It would be late all the same.
        #expect(indices(RunPlan([long, Self.task(1, 30, due: 20)], cores: 1)) == [0, 1])
        // Then the running one would be late.
        #expect(
            indices(RunPlan([Self.task(0, 100, due: 102, isRunning: true), Self.task(1, 5, due: 20)], cores: 1)) == [
                0, 1,
            ])
    }

    @Test("The plan does not depend on the order in which tasks are named")
    func order() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let tasks = (0..<7).map {
                Self.task(
                    $0, Double(1 + generator.nextIndex(below: 9)), due: Double(1 + generator.nextIndex(below: 40)),
                    isRunning: $0 < 2)
            }
            #expect(RunPlan(tasks, cores: 2) == RunPlan(tasks.reversed(), cores: 2))
        }
    }

    @Test("Whoever follows the plan second by second is in time whenever the nearest deadline first is")
    func followed() {
        var generator = SeededGenerator(seed: 6)
        var checked = 0
        for _ in 0..<400 {
            var tasks = (0..<6).map {
                Self.task(
                    $0, Double(1 + generator.nextIndex(below: 9)), due: Double(1 + generator.nextIndex(below: 40)))
            }
            let byDeadline = tasks.sorted { ($0.dueSeconds, $0.id) < ($1.dueSeconds, $1.id) }
            guard Self.isOnTime(byDeadline, cores: 1) else { continue }
            checked += 1
            while !tasks.isEmpty {
                let now = RunPlan(tasks, cores: 1).order[0].id
                for at in tasks.indices {
                    tasks[at].isRunning = tasks[at].id == now
                    if tasks[at].isRunning { tasks[at].seconds -= 1 }
                    tasks[at].dueSeconds -= 1
                    tasks[at].expectedSeconds -= 1
                }
                #expect(tasks.allSatisfy { $0.seconds > 0 || $0.dueSeconds >= 0 })
                tasks.removeAll { $0.seconds <= 0 }
                #expect(tasks.allSatisfy { $0.dueSeconds > 0 })
            }
        }
        #expect(checked > 100)
    }

    @Test("The last task in the order that will miss its deadline by far is to go back, unless it is to be kept")
    func hopeless() {
        let tasks = [Self.task(0, 1000, due: 900), Self.task(1, 10, due: 500), Self.task(2, 2000, due: 900)]
        let plan = RunPlan(tasks, cores: 1)
        #expect(plan.lastHopeless { _ in true }?.task.id == Self.id(2))
        #expect(plan.lastHopeless { $0 != Self.id(2) } == nil, "1010 s of 900: within the margin")
        #expect(plan.lastHopeless { _ in false } == nil)
    }
}
