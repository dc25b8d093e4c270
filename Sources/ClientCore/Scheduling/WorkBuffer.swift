import Domain

/// How much work a host holds, and when it asks for more.
///
/// **No over-fetch**: a task is taken only while some core has less than `highSeconds` of work before it, so no core ever
/// has more than that and the one task that crosses the mark; and never more than `tasksMax` are held.
public struct WorkBuffer: Hashable, Sendable {
    /// Seconds of computing that each core has at hand after asking.
    public var highSeconds: Double
    /// Tasks held at most.
    public var tasksMax: Int

    public init(highSeconds: Double, tasksMax: Int) {
        self.highSeconds = max(0, highSeconds)
        self.tasksMax = tasksMax
    }

    /// The server is asked when a core has less; so it is asked once for half a buffer, not for every task.
    public var lowSeconds: Double { highSeconds / 2 }

    /// The same for work that is to be done in the present stretch of computing.
    public func within(_ outlook: Outlook) -> WorkBuffer {
        WorkBuffer(highSeconds: min(highSeconds, outlook.sureSeconds), tasksMax: tasksMax)
    }

    /// Whether one more task may be taken.
    public func hasRoom(_ loads: CoreLoads, held: Int) -> Bool {
        held < tasksMax && (loads.least < highSeconds || loads.least <= 0)
    }

    /// What to ask the server for; nil: nothing.
    ///
    /// - Parameter typicalSeconds: of a task, as lately given; nil: nobody knows, so that one task a core is asked for.
    /// - Parameter isCalling: the server is called anyway: then the buffer is filled up, whatever is left of it.
    public func wish(_ loads: CoreLoads, held: Int, typicalSeconds: Double?, isCalling: Bool) -> WorkWish? {
        let mark = isCalling ? highSeconds : lowSeconds
        guard loads.least < mark || loads.least <= 0 else { return nil }
        let short = loads.seconds.filter { $0 < highSeconds || $0 <= 0 }
        let tasks = short.reduce(0) { sum, load in
            guard let typicalSeconds, typicalSeconds > 0 else { return sum + 1 }
            return sum + max(1, Int(min((highSeconds - load) / typicalSeconds, 1e6).rounded(.up)))
        }
        let count = min(tasks, tasksMax - held, Limits.tasksPerReplyMax)
        guard count > 0 else { return nil }
        return WorkWish(tasks: count, seconds: highSeconds - loads.least, queuedSeconds: short.max() ?? 0)
    }
}

/// A wish for work, in the terms of a scheduler's request.
public struct WorkWish: Hashable, Sendable {
    public var tasks: Int
    /// Of new work on each core; 0: only `tasks` counts.
    public var seconds: Double
    /// Work that a new task waits for, at most: that of the fullest core which is to get one. A core that is busy for a
    /// day is no reason to refuse another one an hour's task.
    public var queuedSeconds: Double

    public init(tasks: Int, seconds: Double, queuedSeconds: Double) {
        self.tasks = tasks
        self.seconds = seconds
        self.queuedSeconds = queuedSeconds
    }
}

/// Which work a host asks for that does not always compute. The server knows of its habits only how much of the time it
/// computes, so there are two ways to ask; when one brings nothing, the next call takes the other.
public enum WorkTerm: Hashable, Sendable {
    /// What can be done even if one stretch of computing does not take place: the server is told of as much more work that
    /// waits already.
    case anyTime
    /// What can be done before the host stops again, whatever its deadline: little at a time.
    case thisSession

    public var other: WorkTerm { self == .anyTime ? .thisSession : .anyTime }

    /// See `WorkBuffer.wish`.
    public func wish(
        _ buffer: WorkBuffer, _ outlook: Outlook, _ loads: CoreLoads, held: Int, typicalSeconds: Double?,
        isCalling: Bool
    ) -> WorkWish? {
        let buffer = self == .anyTime ? buffer : buffer.within(outlook)
        var wish = buffer.wish(loads, held: held, typicalSeconds: typicalSeconds, isCalling: isCalling)
        if self == .anyTime { wish?.queuedSeconds += outlook.reserveSeconds }
        return wish
    }
}

/// Offers as they come in, each judged beside what is held and was taken before.
public struct Intake: Sendable {
    private let cores: Int
    private let buffer: WorkBuffer
    private var tasks: [PlannedTask]
    private var late: Set<TaskID>
    /// Tasks that are held and are not counted as work, since the user wants them to rest.
    private let others: Int

    /// - Parameter tasks: those that are held and are to be computed.
    /// - Parameter others: how many more are held that rest.
    public init(_ tasks: [PlannedTask], others: Int, cores: Int, buffer: WorkBuffer) {
        self.cores = cores
        self.buffer = buffer
        self.tasks = tasks
        self.others = others
        late = Set(RunPlan(tasks, cores: cores).late)
    }

    /// Takes a task, unless there is a reason not to.
    public mutating func take(_ task: PlannedTask) -> Decline? {
        guard task.seconds <= task.dueSeconds else {
            return .tooLong(seconds: task.seconds, dueSeconds: task.dueSeconds)
        }
        let loads = CoreLoads(RunPlan(tasks, cores: cores).order, cores: cores)
        guard buffer.hasRoom(loads, held: tasks.count + others) else { return .notNeeded }
        let plan = RunPlan(tasks + [task], cores: cores)
        let nowLate = Set(plan.late)
        guard nowLate.isSubset(of: late) else {
            return nowLate.contains(task.id)
                ? .tooLong(
                    seconds: zip(plan.order, plan.ends).first { $0.0.id == task.id }?.1 ?? task.seconds,
                    dueSeconds: task.dueSeconds)
                : .pushesAside
        }
        tasks.append(task)
        return nil
    }

    /// Why an offered task is not taken.
    public enum Decline: Hashable, Sendable {
        /// It would be done after so many seconds of computing, with what is held; this host has fewer until then.
        case tooLong(seconds: Double, dueSeconds: Double)
        /// Another task, which was taken before, would miss its deadline.
        case pushesAside
        /// Every core has enough to do.
        case notNeeded

        /// For people and the server.
        public var reason: String {
            switch self {
            case .tooLong(let seconds, let due):
                "it would be done after \(words(seconds)) of computing here, with what is held already; "
                    + "\(words(due)) are to be expected until its deadline"
            case .pushesAside: "with it another task would miss its deadline"
            case .notNeeded: "this host has enough to do for now"
            }
        }

        private func words(_ seconds: Double) -> String { HoursText.words(seconds) }
    }
}

/// Lengths of time for people.
enum HoursText {
    /// `40 s`, `12 min`, `3.5 hours`.
    static func words(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "for ever" }
        if seconds < 120 { return "\(Int(max(0, seconds).rounded())) s" }
        if seconds < 7200 { return "\(Int((seconds / 60).rounded())) min" }
        let tenths = Int(min(seconds / 360, 1e9).rounded())
        return "\(tenths / 10).\(tenths % 10) hours"
    }
}
