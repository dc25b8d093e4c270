import Domain
import Engine
import Testing

/// Who gets which task, and what a host is told when it gets none.
struct SchedulerTests {
    static let now = Timestamp(seconds: 5000)

    static func host(
        cores: Int = 4, memory: Int64 = 8_000_000_000, disk: Int64 = 50_000_000_000, speed: Double = 1e9,
        availability: Double = 1, apps: [String] = ["fold/2"], inProgress: Int = 0, sentLastDay: Int = 0,
        quota: Int = 40_000, heldUnits: [WorkUnitID] = []
    ) -> HostView {
        HostView(
            id: HostID(rawValue: 5), volunteer: VolunteerID(rawValue: 6), cores: cores, memoryBytes: memory,
            diskFreeBytes: disk, flopsPerSecond: speed, availability: availability, apps: apps,
            inProgress: inProgress, sentLastDay: sentLastDay, dailyQuota: quota, heldUnits: heldUnits)
    }

    static func task(
        _ index: Int64, ordinal: Int = 0, app: String = "fold", flops: Double = 1e11, bound: Double? = nil,
        memory: Int64 = 100_000_000, disk: Int64 = 1_000_000, output: Int64 = 1_000_000, deadline: Double = 3600
    ) -> Candidate {
        Candidate(
            id: TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: index), ordinal: ordinal), app: app,
            flops: flops, flopsBound: bound ?? flops * 10, memoryBytes: memory, diskBytes: disk,
            outputBytesMax: output, deadlineSpan: TimeSpan(seconds: deadline))
    }

    private func choose(
        _ candidates: [Candidate], host: HostView = host(), tasks: Int = 10, seconds: Double = 0, queued: Double = 0
    ) -> Choice {
        let want = WorkRequest(tasks: tasks, seconds: seconds, queuedSeconds: queued)
        return Scheduler.choose(candidates, host: host, want: want, now: SchedulerTests.now)
    }

    private func indices(_ choice: Choice) -> [Int64] { choice.tasks.map(\.id.unit.index) }

    private func expectRefusal(
        _ choice: Choice, _ reason: Refusal.Reason, _ count: Int, _ text: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            choice.refusals == [Refusal(reason: reason, count: count, text: text)], sourceLocation: sourceLocation)
    }

    // MARK: What is given

    @Test func tasksAreGivenInOrderWithEstimateAndAssignment() {
        let choice = choose([Self.task(4), Self.task(2), Self.task(9)], tasks: 2)
        #expect(indices(choice) == [4, 2])
        #expect(choice.tasks[0].estimatedSeconds == 100)
        let assignment = choice.tasks[0].assignment
        #expect(assignment.host == HostID(rawValue: 5))
        #expect(assignment.volunteer == VolunteerID(rawValue: 6))
        #expect(assignment.sentAt == Self.now)
        #expect(assignment.deadline == Self.now + TimeSpan(seconds: 3600))
        #expect(choice.refusals.isEmpty)
    }

    @Test func nothingIsGivenToWhoWantsNothing() {
        #expect(choose([Self.task(1)], tasks: 0) == Choice(tasks: [], refusals: []))
    }

    @Test func tasksStopWhenEveryCoreHasEnough() {
        let many = (0..<80).map { Self.task($0) }
        #expect(choose(many, tasks: 10, seconds: 50).tasks.count == 4)
        #expect(choose(many, tasks: 10, seconds: 150).tasks.count == 8)
        #expect(choose(many, tasks: 3, seconds: 150).tasks.count == 3)
        #expect(choose(many, host: Self.host(cores: 64), tasks: 1000).tasks.count == Limits.tasksPerReplyMax)
    }

    // MARK: What is refused, one reason at a time

    @Test func emptyQueueIsSaid() {
        expectRefusal(choose([]), .noTasks, 0, "no task is waiting to be computed")
        expectRefusal(choose([Self.task(1)]), .noTasks, 0, "no more tasks are waiting to be computed")
    }

    @Test func secondReplicaForTheVolunteerIsRefused() {
        let held = choose([Self.task(1)], host: Self.host(heldUnits: [Self.task(1).id.unit]))
        expectRefusal(
            held, .sameVolunteer, 1, "1 task belongs to work units of which this volunteer already has a task")
        let sameReply = choose([Self.task(1), Self.task(1, ordinal: 1), Self.task(2)])
        #expect(indices(sameReply) == [1, 2])
        #expect(sameReply.refusals.map(\.reason) == [.sameVolunteer])
    }

    @Test func unknownAppIsRefused() {
        let choice = choose([Self.task(1, app: "dock"), Self.task(2, app: "fold/3"), Self.task(3, app: "fol")])
        expectRefusal(
            choice, .unknownApp, 3, "3 tasks need an app that this host's worker does not have: dock, fold/3, fol")
        #expect(choose([Self.task(1, app: "fold/2")]).tasks.count == 1)
        #expect(choose([Self.task(1, app: "fold/1"), Self.task(2, app: "fold/")]).tasks.isEmpty)
        #expect(choose([Self.task(1)], host: Self.host(apps: ["dock/1", "fold/1", "fold/7"])).tasks.count == 1)
    }

    @Test func memoryIsRefused() {
        let small = Self.host(memory: 2_000_000_000)
        let equal = (0..<3).map { Self.task($0, memory: 4_000_000_000) }
        expectRefusal(
            choose(equal, host: small), .memory, 3, "3 tasks need 4.0 GB of memory, this host offers 2.0 GB")
        let mixed = [Self.task(0, memory: 4_000_000_000), Self.task(1, memory: 2_500_000_000)]
        expectRefusal(
            choose(mixed, host: small), .memory, 2, "2 tasks need at least 2.5 GB of memory, this host offers 2.0 GB")
        #expect(choose([Self.task(0, memory: 2_000_000_000)], host: small).tasks.count == 1)
    }

    @Test func diskIsRefusedAndUsedUpByWhatIsGiven() {
        let small = Self.host(disk: 10_000_000)
        expectRefusal(
            choose([Self.task(0, disk: 10_000_001)], host: small), .disk, 1,
            "1 task needs 10.0 MB of disk, this host has 10.0 MB free")
        let three = choose((0..<3).map { Self.task($0, disk: 4_000_000, output: 1_000_000) }, host: small)
        #expect(indices(three) == [0, 1])
        #expect(three.refusals.map(\.reason) == [.disk])
    }

    @Test func outputThatDoesNotFitBesideTheRestIsRefused() {
        expectRefusal(
            choose([Self.task(0, disk: 6_000_000, output: 5_000_000)], host: Self.host(disk: 10_000_000)), .output, 1,
            "1 task needs 5.0 MB of disk for the result, this host has 10.0 MB free in all")
    }

    @Test func boundBelowTheEstimateIsRefused() {
        expectRefusal(
            choose([Self.task(0, flops: 1e12, bound: 1e11)]), .bounds, 1,
            "1 task has a bound on operations below the estimate and could never finish")
        #expect(choose([Self.task(0, flops: .nan, bound: 1e11)]).tasks.isEmpty)
    }

    @Test func slowHostIsRefusedWhatItCannotFinish() {
        let choice = choose([Self.task(0, flops: 9e12), Self.task(1, flops: 9e12)])
        expectRefusal(
            choice, .deadline, 2, "2 tasks would be done here in 2.5 hours, after the deadline of 60.0 minutes")
        #expect(choose([Self.task(0, flops: 3.6e12)]).tasks.count == 1)
    }

    @Test func pausesAndQueuedWorkCountTowardsTheDeadline() {
        let task = Self.task(0, flops: 2e12)
        #expect(choose([task]).tasks.count == 1)
        #expect(choose([task], host: Self.host(availability: 0.5)).refusals.map(\.reason) == [.deadline])
        #expect(choose([task], host: Self.host(availability: 0)).tasks.count == 1)
        #expect(choose([task], queued: 1600).tasks.count == 1)
        #expect(choose([task], queued: 1601).refusals.map(\.reason) == [.deadline])
        #expect(choose([task], host: Self.host(availability: 0.9), queued: 1300).refusals.map(\.reason) == [.deadline])
    }

    @Test func hostOfAnHourADayGetsNoTaskOfADay() {
        let rare = Self.host(availability: 1.0 / 24)
        let day = Self.task(0, flops: 8.64e13, deadline: 14 * 86_400)
        #expect(choose([day], host: rare).refusals.map(\.reason) == [.deadline])
        #expect(choose([day], host: Self.host(availability: 0.1)).tasks.count == 1)
        // Half an hour of it is done tomorrow.
        #expect(choose([Self.task(0, flops: 1.8e12, deadline: 86_400)], host: rare).tasks.count == 1)
    }

    @Test func tasksRunInParallelAsFarAsMemoryAllows() {
        let tasks = (0..<4).map { Self.task($0, flops: 2e12, memory: 2_000_000_000) }
        #expect(choose(tasks, tasks: 4).tasks.count == 4)
        #expect(choose(tasks, host: Self.host(memory: 4_000_000_000), tasks: 4).tasks.count == 2)
        #expect(choose(tasks, host: Self.host(cores: 1), tasks: 4).tasks.count == 1)
    }

    @Test func urgentTaskMayNotMakeAnotherLate() {
        let single = Self.host(cores: 1)
        let long = Self.task(0, flops: 3e12, deadline: 3600)
        let urgent = Self.task(1, flops: 1e12, deadline: 1200)
        #expect(indices(choose([long, urgent], host: single, tasks: 2)) == [0])
        let short = Self.task(2, flops: 0.5e12, deadline: 1200)
        #expect(indices(choose([long, short], host: single, tasks: 2)) == [0, 2])
    }

    @Test func hostHoldsOnlySoManyTasks() {
        let limit = Scheduler.inProgressMax(Self.host(cores: 2))
        #expect(limit == 8)
        let full = choose([Self.task(0)], host: Self.host(cores: 2, inProgress: 8))
        expectRefusal(full, .inProgressLimit, 0, "this host has 8 tasks in progress, its limit is 8")
        // Said without a look at what waits, so that the queue need not be read.
        #expect(choose([], host: Self.host(cores: 2, inProgress: 8)) == full)
        #expect(full.refusals == [Scheduler.limit(of: Self.host(cores: 2, inProgress: 8))])
        #expect(Scheduler.limit(of: Self.host(cores: 2, inProgress: 7)) == nil)
        let nearly = choose((0..<4).map { Self.task($0) }, host: Self.host(cores: 2, inProgress: 6))
        #expect(nearly.tasks.count == 2)
        #expect(nearly.refusals.map(\.reason) == [.inProgressLimit])
    }

    @Test func brokenHostIsHeldToItsQuota() {
        let many = (0..<9).map { Self.task($0) }
        let spent = choose(many, host: Self.host(sentLastDay: 4, quota: 4))
        #expect(spent.tasks.isEmpty)
        expectRefusal(
            spent, .dailyQuota, 0,
            "this host may get 4 tasks a day after its errors and invalid results; each valid result raises that")
        #expect(choose(many, host: Self.host(sentLastDay: 3, quota: 4)).tasks.count == 1)
        #expect(Scheduler.inProgressMax(Self.host(quota: 4)) == 4)
    }

    @Test func reasonsAreCountedSeparatelyAndInAFixedOrder() {
        let candidates = [
            Self.task(0, flops: 1e16), Self.task(1, memory: 9_000_000_000), Self.task(2, app: "dock"),
            Self.task(3, memory: 9_000_000_000), Self.task(4),
        ]
        let choice = choose(candidates)
        #expect(indices(choice) == [4])
        #expect(choice.refusals.map(\.reason) == [.unknownApp, .memory, .deadline])
        #expect(choice.refusals.map(\.count) == [1, 2, 1])
        #expect(choose(candidates.reversed()).refusals == choice.refusals)
    }
}
