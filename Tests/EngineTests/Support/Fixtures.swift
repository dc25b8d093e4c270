import Domain
import Engine

/// Values for tests. Assignments run from 0 s to 1000 s; `timely` lies before the deadline and `overdue` after it.
enum Fixture {
    static let unitID = WorkUnitID(batch: BatchID(rawValue: 3), index: 7)
    static let timely = Timestamp(seconds: 500)
    static let overdue = Timestamp(seconds: 2000)
    /// Longer than anybody waits for a further volunteer.
    static let abandoned = Timestamp(seconds: 40 * 86_400)
    static let credit = Credit(microcobblestones: 12_345)
    static let difference = Difference(element: "candidates[3].power", distance: 0.5, tolerance: 0.001)

    static func rule(
        quorum: Int, initial: Int? = nil, maxTotal: Int, maxErrors: Int = 3, acceptance: AcceptanceRule = .quorum
    ) -> ReplicationRule {
        ReplicationRule(
            quorum: quorum, initial: initial ?? (acceptance.trustsSingle ? 1 : quorum), maxTotal: maxTotal,
            maxErrors: maxErrors, deadline: TimeSpan(seconds: 1000), acceptance: acceptance)
    }

    static let adaptive = AcceptanceRule.adaptive(AdaptiveRule(checkRate: 0.25, window: 4))

    static func unit(_ rule: ReplicationRule, checkEach: Bool = true, credit: Credit = credit) -> WorkUnitRecord {
        WorkUnitRecord(
            id: unitID, label: "band 25", app: "test", container: digest(0), containerBytes: 100, flops: 1e12,
            credit: credit, memoryBytes: 1, diskBytes: 1, outputBytesMax: 1, flopsBound: 1e13, checkEach: checkEach,
            replication: rule, state: .ready, revision: 0, createdAt: Timestamp(seconds: 0),
            updatedAt: Timestamp(seconds: 0))
    }

    static func digest(_ byte: UInt8) -> Digest {
        Digest(bytes: [UInt8](repeating: byte, count: 32)) ?? digest(byte)
    }

    static func task(_ ordinal: Int) -> TaskID { TaskID(unit: unitID, ordinal: ordinal) }
    static func host(_ number: Int) -> HostID { HostID(rawValue: Int64(100 + number)) }

    static func assignment(_ number: Int) -> Assignment {
        Assignment(
            host: host(number), volunteer: VolunteerID(rawValue: Int64(number)), sentAt: Timestamp(seconds: 0),
            deadline: Timestamp(seconds: 1000))
    }

    static func report(_ byte: UInt8 = 1) -> TaskReport {
        TaskReport(
            reportedAt: timely, result: digest(byte), resultBytes: 64, cpuSeconds: 10, wallSeconds: 11,
            fingerprint: "test")
    }

    static func error(_ code: TaskErrorCode = .workerFailed) -> TaskError {
        TaskError(at: timely, code: code, message: "signal 11")
    }
}

/// A unit driven by hand: keeps the aggregate, the last step, and every action so far.
struct Bench {
    var aggregate: WorkUnitAggregate
    var actions: [WorkUnitAction] = []
    var last: WorkUnitStep?

    init(_ rule: ReplicationRule, checkEach: Bool = true) {
        aggregate = WorkUnitMachine.create(Fixture.unit(rule, checkEach: checkEach))
    }

    @discardableResult
    mutating func step(_ event: WorkUnitEvent, now: Timestamp = Fixture.timely) -> WorkUnitStep {
        let step = WorkUnitMachine.step(aggregate, event, now: now)
        aggregate = step.aggregate
        actions += step.actions
        last = step
        return step
    }

    /// Gives tasks to volunteers of the same number.
    mutating func send(_ ordinals: Int...) {
        for ordinal in ordinals { step(.assigned(Fixture.task(ordinal), Fixture.assignment(ordinal))) }
    }

    mutating func report(_ ordinals: Int...) {
        for ordinal in ordinals {
            step(.reported(Fixture.task(ordinal), host: Fixture.host(ordinal), Fixture.report()))
        }
    }

    mutating func check(_ ordinals: Int..., as outcome: CheckOutcome = .plausible) {
        for ordinal in ordinals { step(.checked(Fixture.task(ordinal), outcome)) }
    }

    /// Compares what is to be compared: pairs that are named agree, all others differ.
    @discardableResult
    mutating func compare(agreeing: [(Int, Int)]) -> WorkUnitStep {
        guard case .compare(let tasks) = work else { return step(.compared([])) }
        return step(
            .compared(
                Bench.comparisons(of: tasks) { a, b in
                    agreeing.contains {
                        ($0.0, $0.1) == (a.ordinal, b.ordinal) || ($0.1, $0.0) == (a.ordinal, b.ordinal)
                    }
                }))
    }

    static func comparisons(of tasks: [TaskID], agree: (TaskID, TaskID) -> Bool) -> [PairComparison] {
        var pairs: [PairComparison] = []
        for (at, a) in tasks.enumerated() {
            for b in tasks[(at + 1)...] {
                pairs.append(
                    PairComparison(first: a, second: b, difference: agree(a, b) ? nil : Fixture.difference))
            }
        }
        return pairs
    }

    var work: ValidationWork? { WorkUnitMachine.validationWork(aggregate) }
    var state: WorkUnitState { aggregate.unit.state }
    func task(_ ordinal: Int) -> TaskState { aggregate.tasks[ordinal].state }

    func verdict(_ ordinal: Int) -> Verdict? {
        if case .decided(_, _, let verdict) = task(ordinal) { verdict } else { nil }
    }

    func outcome(_ ordinal: Int) -> Verdict.Outcome? { verdict(ordinal)?.outcome }

    /// The tasks that were paid, in order.
    var paid: [Int] {
        actions.compactMap { if case .grantCredit(let task, _, _) = $0 { task.ordinal } else { nil } }
    }

    func counts(of ordinal: Int) -> [HostCount] {
        actions.compactMap { action in
            guard case .countVerdict(let task, _, let count, _) = action, task.ordinal == ordinal else { return nil }
            return count
        }
    }
}
