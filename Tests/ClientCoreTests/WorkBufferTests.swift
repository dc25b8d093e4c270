import Bytes
import ClientCore
import Domain
import Testing

@Suite("How much work a host holds")
struct WorkBufferTests {
    private static func loads(_ seconds: [Double]) -> CoreLoads {
        var loads = CoreLoads(cores: seconds.count)
        // The longest first, so that each goes to a core of its own.
        for load in seconds.sorted(by: >) where load > 0 { loads.add(load) }
        return loads
    }

    @Test("It asks when a core has less than half a buffer, and then for all that is missing")
    func marks() throws {
        let buffer = WorkBuffer(highSeconds: 1000, tasksMax: 100)
        func wish(_ seconds: [Double], isCalling: Bool = false) -> WorkWish? {
            buffer.wish(Self.loads(seconds), held: 4, typicalSeconds: 100, isCalling: isCalling)
        }
        #expect(wish([500, 900]) == nil)
        #expect(wish([499, 900]) == WorkWish(tasks: 7, seconds: 501, queuedSeconds: 900))
        #expect(wish([500, 900], isCalling: true) == WorkWish(tasks: 6, seconds: 500, queuedSeconds: 900))
        #expect(wish([1000, 1200], isCalling: true) == nil)
        #expect(wish([0, 86_400]) == WorkWish(tasks: 10, seconds: 1000, queuedSeconds: 0), "a busy core needs nothing")
    }

    @Test("Without a buffer it asks for idle cores alone; with unknown tasks for one a core; never beyond the bound")
    func ends() {
        let none = WorkBuffer(highSeconds: 0, tasksMax: 100)
        #expect(none.wish(Self.loads([1, 1]), held: 2, typicalSeconds: 10, isCalling: true) == nil)
        let idle = none.wish(Self.loads([0, 1]), held: 1, typicalSeconds: 10, isCalling: false)
        #expect(idle == WorkWish(tasks: 1, seconds: 0, queuedSeconds: 0))
        let full = WorkBuffer(highSeconds: 1e9, tasksMax: 5)
        #expect(full.wish(Self.loads([0, 0]), held: 0, typicalSeconds: nil, isCalling: false)?.tasks == 2)
        #expect(full.wish(Self.loads([0, 0]), held: 0, typicalSeconds: 1, isCalling: false)?.tasks == 5)
        #expect(full.wish(Self.loads([0, 0]), held: 5, typicalSeconds: 1, isCalling: false) == nil)
    }

    @Test("Whatever a server offers, no host holds more than its buffer and one task for each core", arguments: 1...20)
    func noOverFetch(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let cores = 1 + generator.nextIndex(below: 4)
        let high = Double(generator.nextIndex(below: 4)) * 1000
        let buffer = WorkBuffer(highSeconds: high, tasksMax: 8 * cores)
        var held: [PlannedTask] = []
        var (made, refused) = (0, 0)
        for _ in 0..<300 {
            // Time passes: some of it is done, at the front of the plan first.
            let plan = RunPlan(held, cores: cores)
            let running = Set(plan.order.prefix(cores).map(\.id))
            let step = Double(generator.nextIndex(below: 600))
            for at in held.indices {
                held[at].isRunning = running.contains(held[at].id)
                if held[at].isRunning { held[at].seconds -= step }
                held[at].expectedSeconds -= step
                held[at].dueSeconds -= step
            }
            held.removeAll { $0.seconds <= 0 }
            // A server that is honest, or one that sends what it likes.
            var intake = Intake(held, others: 0, cores: cores, buffer: buffer)
            for _ in 0..<generator.nextIndex(below: 12) {
                let scale = generator.nextIndex(below: 3)
                let seconds = Double(1 + generator.nextIndex(below: [30, 1000, 20_000][scale]))
                let task = RunPlanTests.task(made, seconds, due: 1e6)
                made += 1
                if intake.take(task) == nil { held.append(task) } else { refused += 1 }
                let total = held.reduce(0) { $0 + $1.seconds }
                let longest = held.map(\.seconds).max() ?? 0
                #expect(total <= Double(cores) * (high + longest) + 1e-6)
                #expect(held.count <= buffer.tasksMax)
            }
        }
        #expect(refused > 0)
    }

    @Test(
        "A task is not taken when it would be late, or would make another one late; nobody taken before is hurt",
        arguments: 1...20)
    func deadlines(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let cores = 1 + generator.nextIndex(below: 3)
        var intake = Intake([], others: 0, cores: cores, buffer: WorkBuffer(highSeconds: 1e9, tasksMax: 1000))
        var held: [PlannedTask] = []
        var declines = Set<String>()
        for index in 0..<60 {
            let seconds = Double(1 + generator.nextIndex(below: 50))
            let task = RunPlanTests.task(index, seconds, due: seconds * Double(generator.nextIndex(below: 40)) / 4)
            switch intake.take(task) {
            case nil: held.append(task)
            case .tooLong?: declines.insert("long")
            case .pushesAside?: declines.insert("aside")
            case .notNeeded?: Issue.record("there was room")
            }
            #expect(RunPlan(held, cores: cores).late.isEmpty)
        }
        #expect(held.count > 3 && declines.contains("long"))
    }

    @Test("The reason says how long it would take, and how long there is")
    func words() {
        var intake = Intake([], others: 0, cores: 1, buffer: WorkBuffer(highSeconds: 1, tasksMax: 9))
        let reason = intake.take(RunPlanTests.task(0, 86_400, due: 6 * 3600))?.reason ?? ""
        #expect(reason.contains("24.0 hours") && reason.contains("6.0 hours"), "\(reason)")
    }

    @Test("A host that may stop soon asks for little that is to be done now, or for what can wait")
    func terms() throws {
        var habits = Habits()
        let start = Timestamp(seconds: 1_799_971_200)
        for day in 0..<10 {
            for hour in 0..<24 {
                let at = start + TimeSpan(seconds: Double(day * 24 + hour) * 3600)
                habits.note(until: at, isComputing: hour == 21)
            }
        }
        let outlook = habits.outlook(always: false)
        let buffer = WorkBuffer(highSeconds: 14_400, tasksMax: 10)
        let loads = CoreLoads(cores: 1)
        let later = try #require(
            WorkTerm.anyTime.wish(buffer, outlook, loads, held: 0, typicalSeconds: 60, isCalling: false))
        let now = try #require(
            WorkTerm.thisSession.wish(buffer, outlook, loads, held: 0, typicalSeconds: 60, isCalling: false))
        #expect(later.queuedSeconds > 3000 && later.queuedSeconds < 3700)
        #expect(later.seconds == 14_400)
        #expect(now.queuedSeconds == 0)
        #expect(now.seconds >= 200 && now.seconds <= 1800)
        #expect(WorkTerm.anyTime.other == .thisSession && WorkTerm.thisSession.other == .anyTime)
    }
}
