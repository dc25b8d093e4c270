import Domain

/// A held task, as scheduling sees it. Seconds are seconds of computing: those in which the host may compute.
public struct PlannedTask: Hashable, Sendable {
    public var id: TaskID
    /// What is left of it on one core.
    public var seconds: Double
    /// Until its deadline, as many as the host is expected to have.
    public var expectedSeconds: Double
    /// The same if it has bad luck: within them it should be done.
    public var dueSeconds: Double
    /// As `expectedSeconds`, if no other project had a part of them.
    public var aloneSeconds: Double
    public var isRunning: Bool
    /// Its place in the order of arrival.
    public var arrival: Int

    /// - Parameter aloneSeconds: nil: the same as `expectedSeconds`.
    public init(
        id: TaskID, seconds: Double, expectedSeconds: Double, dueSeconds: Double, aloneSeconds: Double? = nil,
        isRunning: Bool, arrival: Int
    ) {
        self.aloneSeconds = aloneSeconds ?? expectedSeconds
        self.id = id
        self.seconds = seconds
        self.expectedSeconds = expectedSeconds
        self.dueSeconds = dueSeconds
        self.isRunning = isRunning
        self.arrival = arrival
    }

    /// Whether it will be late if it must wait much longer: it can be done in time, with little to spare. What runs
    /// stays so for longer, lest two such tasks take a core from each other again and again. One that will be late
    /// though it had a core at once is not: hurry helps nobody then.
    public var isEndangered: Bool {
        seconds <= aloneSeconds && seconds * (isRunning ? Self.runningMargin : Self.waitingMargin) > dueSeconds
    }

    private static let waitingMargin = 1.25
    private static let runningMargin = 1.5

    /// A task of a host whose habits are known.
    ///
    /// - Parameter begin: when computing may go on: now, or later.
    /// - Parameter isInStretch: the host computes now, and will do so for a while.
    /// - Parameter part: of the computing of a core that the task may count on, 0 ... 1: other projects have the rest.
    public init(
        id: TaskID, seconds: Double, deadline: Timestamp, _ outlook: Outlook, _ begin: Timestamp,
        isInStretch: Bool = true, part: Double = 1, isRunning: Bool, arrival: Int
    ) {
        let alone = outlook.computingSeconds(from: begin, to: deadline)
        let due = outlook.safeSeconds(from: begin, to: deadline, isInStretch: isInStretch)
        self.init(
            id: id, seconds: seconds, expectedSeconds: alone * part,
            dueSeconds: due * part, aloneSeconds: alone,
            isRunning: isRunning, arrival: arrival)
    }
}

/// Which tasks should have the cores: those that run, then in order of arrival; but what would miss its deadline by
/// waiting for its turn comes first, the nearest deadline before the others.
///
/// Found by simulating what the host will do. Tasks that could not be done in time if they had a core at once push
/// nobody aside. Pure: the same tasks give the same plan, in whatever order they are named.
public struct RunPlan: Hashable, Sendable {
    /// All tasks; the first ones should run.
    public let order: [PlannedTask]
    /// When each of `order` ends.
    public let ends: [Double]
    /// Those that come before their turn, lest they miss their deadline.
    public let urgent: Set<TaskID>

    /// - Parameter cores: 1 or more.
    public init(_ tasks: [PlannedTask], cores: Int) {
        let inTurn = tasks.sorted { Self.turn($0) < Self.turn($1) }
        var best = Attempt(inTurn, urgent: [], cores: cores)
        // Who runs is left alone if that is enough.
        for keepsRunning in [true, false] where !best.late.isEmpty {
            var late = best.late
            var urgent = best.urgent
            // Each round makes more tasks urgent; when nobody new is late it ends.
            while !late.isEmpty {
                urgent.formUnion(late)
                let order = Self.order(inTurn, urgent: urgent, keepsRunning: keepsRunning)
                let attempt = Attempt(order, urgent: urgent, cores: cores)
                late = attempt.late.filter { !urgent.contains($0) }
                // Without use nobody is pushed aside.
                if attempt.late.count < best.late.count { best = attempt }
            }
        }
        (order, ends, urgent) = (best.order, best.ends, best.urgent)
    }

    /// Tasks that will miss their deadline if they are done in this order.
    public var late: [TaskID] { zip(order, ends).filter { !($1 <= $0.dueSeconds) }.map(\.0.id) }

    /// A task that is so far is kept although it will be late: what is left of it is less than another host would
    /// need, and late results still count.
    public static let keptFraction = 0.5

    /// The last one in the order that will miss its deadline by so much that it should go back to the server. The
    /// margin is there lest a task be taken, and given back at the next doubt.
    ///
    /// - Parameter mayGo: asked of the late ones; false for those that are to be kept.
    public func lastHopeless(where mayGo: (TaskID) -> Bool) -> (task: PlannedTask, end: Double)? {
        for place in order.indices.reversed() {
            let (task, end) = (order[place], ends[place])
            if end > 60 + 1.25 * task.expectedSeconds, mayGo(task.id) { return (task, end) }
        }
        return nil
    }

    private static func turn(_ task: PlannedTask) -> (Int, Int, TaskID) {
        (task.isRunning ? 0 : 1, task.arrival, task.id)
    }

    private static func order(_ inTurn: [PlannedTask], urgent: Set<TaskID>, keepsRunning: Bool) -> [PlannedTask] {
        let kept = keepsRunning ? inTurn.filter(\.isRunning) : []
        let others = keepsRunning ? inTurn.filter { !$0.isRunning } : inTurn
        let first = others.filter { urgent.contains($0.id) }
        return kept + first.sorted { ($0.dueSeconds, $0.id) < ($1.dueSeconds, $1.id) }
            + others.filter { !urgent.contains($0.id) }
    }

    /// An order, and what comes of it.
    private struct Attempt {
        var order: [PlannedTask]
        var ends: [Double]
        var urgent: Set<TaskID>
        /// Tasks that are late, and would not be if they had a core at once.
        var late: [TaskID]

        init(_ order: [PlannedTask], urgent: Set<TaskID>, cores: Int) {
            self.order = order
            self.urgent = urgent
            ends = CoreLoads.ends(order, cores: cores)
            late = zip(order, ends).filter { $0.seconds <= $0.expectedSeconds && $1 > $0.dueSeconds }.map(\.0.id)
        }
    }
}

/// How much work waits at each core, when every task goes to the core that is free first.
public struct CoreLoads: Hashable, Sendable {
    /// Seconds of computing, in no order that means anything.
    public private(set) var seconds: [Double]

    /// - Parameter cores: 1 or more.
    public init(cores: Int) { seconds = [Double](repeating: 0, count: max(1, cores)) }

    /// - Parameter tasks: in the order in which they will be begun.
    public init(_ tasks: [PlannedTask], cores: Int) {
        self.init(cores: cores)
        for task in tasks { add(task.seconds) }
    }

    /// - Returns: when it will be done.
    @discardableResult
    public mutating func add(_ task: Double) -> Double {
        var idlest = 0
        for core in seconds.indices where seconds[core] < seconds[idlest] { idlest = core }
        seconds[idlest] += task
        return seconds[idlest]
    }

    /// Of the core that has least of it.
    public var least: Double { seconds.min() ?? 0 }

    static func ends(_ order: [PlannedTask], cores: Int) -> [Double] {
        var loads = CoreLoads(cores: cores)
        return order.map { loads.add($0.seconds) }
    }
}
