import Domain
import Engine
import Testing

/// Larger units, driven by chance: every step keeps the laws, every unit ends, and liars do not get in.
struct WorkUnitRandomTests {
    @Test(arguments: 0..<60)
    func unitsEndLawfullyAndTruthfully(_ seed: Int) {
        var world = World(seed: UInt64(seed))
        let violation = world.run()
        #expect(violation == nil, "seed \(seed): \(violation ?? "")")
        #expect(world.aggregate.unit.state.isFinal, "seed \(seed) stays \(world.aggregate.unit.state)")
        if let canonical = world.aggregate.unit.state.canonical {
            #expect(world.isHonest(canonical), "seed \(seed): the canonical result \(canonical) is false")
        }
        #expect(Set(world.paid).count == world.paid.count, "seed \(seed): a task was paid twice")
        for task in world.paid { #expect(world.isHonest(task), "seed \(seed): \(task) was paid for a false result") }
    }

    @Test func sameSeedGivesTheSameEnd() {
        var first = World(seed: 4)
        var second = World(seed: 4)
        #expect(first.run() == second.run())
        #expect(first.aggregate == second.aggregate)
    }
}

/// A unit, a hundred volunteers of which some lie, and a network that loses, repeats and reorders.
private struct World {
    private(set) var aggregate: WorkUnitAggregate
    private(set) var paid: [TaskID] = []
    private var generator: TestGenerator
    private var nextVolunteer = 0
    private var now = Timestamp(seconds: 0)
    private let liars: Double

    init(seed: UInt64) {
        generator = TestGenerator(seed: seed)
        let quorum = Int.random(in: 1...4, using: &generator)
        let maxTotal = Int.random(in: quorum...12, using: &generator)
        let rule = ReplicationRule(
            quorum: quorum, initial: Int.random(in: quorum...maxTotal, using: &generator), maxTotal: maxTotal,
            maxErrors: Int.random(in: 1...6, using: &generator), deadline: TimeSpan(seconds: 1000))
        // With a quorum of one, only the check stands between a liar and the answer.
        aggregate = WorkUnitMachine.create(
            Fixture.unit(rule, checkEach: quorum == 1 || Bool.random(using: &generator)))
        liars = Double.random(in: 0...0.6, using: &generator)
    }

    /// Every liar gives a number of his own, so no two of them agree.
    func isHonest(_ task: TaskID) -> Bool {
        aggregate.tasks[task.ordinal].state.report?.result == Fixture.digest(1)
    }

    /// - Returns: the first law that a step broke.
    mutating func run() -> String? {
        for _ in 0..<4000 where !isOver {
            now = now + TimeSpan(seconds: Double.random(in: 0...200, using: &generator))
            guard let event = draw() else { continue }
            // Now and then an event comes twice, as from a client that lost the reply.
            for _ in 0..<(Int.random(in: 0..<5, using: &generator) == 0 ? 2 : 1) {
                let step = WorkUnitMachine.step(aggregate, event, now: now)
                let edge = Explorer.Edge(before: aggregate, event: event, step: step)
                if let violation = EdgeLaws.violation(edge) { return violation }
                aggregate = step.aggregate
                for case .grantCredit(let task, _, _) in step.actions { paid.append(task) }
            }
        }
        return nil
    }

    private var isOver: Bool {
        guard aggregate.unit.state.isFinal else { return false }
        let isOut = aggregate.tasks.contains { if case .sent = $0.state { true } else { false } }
        return !isOut && WorkUnitMachine.validationWork(aggregate) == nil
    }

    private mutating func draw() -> WorkUnitEvent? {
        if Bool.random(using: &generator), let work = WorkUnitMachine.validationWork(aggregate) {
            return answer(work)
        }
        guard let task = aggregate.tasks.randomElement(using: &generator) else { return nil }
        switch task.state {
        case .unsent:
            nextVolunteer += 1
            return .assigned(
                task.id,
                Assignment(
                    host: Fixture.host(nextVolunteer), volunteer: VolunteerID(rawValue: Int64(nextVolunteer)),
                    sentAt: now, deadline: now + aggregate.unit.replication.deadline))
        case .sent(let assignment), .expired(let assignment), .reported(let assignment, _, _):
            return say(task.id, assignment.host)
        case .decided, .failed, .aborted, .notNeeded:
            return say(task.id, Fixture.host(Int.random(in: 0...nextVolunteer, using: &generator)))
        }
    }

    private mutating func say(_ task: TaskID, _ host: HostID) -> WorkUnitEvent? {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: return .taskFailed(task, host: host, Fixture.error())
        case 1: return .taskFailed(task, host: host, Fixture.error(.givenBack))
        case 2, 3: return .deadlinePassed(task)
        case 4: return nil
        default:
            let isLie = Double.random(in: 0..<1, using: &generator) < liars
            return .reported(task, host: host, Fixture.report(isLie ? UInt8(10 + task.ordinal) : 1))
        }
    }

    private mutating func answer(_ work: ValidationWork) -> WorkUnitEvent {
        switch work {
        case .check(let task):
            guard !isHonest(task) else { return .checked(task, .plausible) }
            // With a larger quorum the check may overlook a lie.
            let seesIt = aggregate.unit.replication.quorum == 1 || Bool.random(using: &generator)
            return .checked(task, seesIt ? .refuted(Fixture.difference, "false claim") : .plausible)
        case .compare(let tasks):
            let results = aggregate.tasks.map { $0.state.report?.result }
            return .compared(Bench.comparisons(of: tasks) { results[$0.ordinal] == results[$1.ordinal] })
        }
    }
}
