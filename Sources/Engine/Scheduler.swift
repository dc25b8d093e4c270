import Domain

/// Chooses tasks for a host that asks for work.
public enum Scheduler {
    /// Goes through the candidates in order and takes each that the host can finish, until what it wants is given.
    ///
    /// Nothing is taken on trust that would hurt the volunteer: memory, disk and time are checked against what the
    /// host offers and how fast it was measured. The same input gives the same choice.
    /// - Parameter candidates: unsent tasks in the order in which they should leave.
    /// - Parameter want: counts beyond `Limits.tasksPerReplyMax` are cut to it.
    /// - Parameter allows: asked of each task that the host could finish, before it is taken: whether the host may
    ///   share its unit with those who have tasks of it; see `Pairing`.
    public static func choose(
        _ candidates: [Candidate], host: HostView, want: WorkRequest, now: Timestamp,
        allows: (TaskID) throws -> Bool
    ) rethrows -> Choice {
        guard want.tasks > 0 else { return Choice(tasks: [], refusals: []) }
        var round = SchedulerRound(host: host, want: want, now: now)
        for candidate in candidates {
            if round.isSatisfied || limit(of: host, given: round.count) != nil { break }
            try round.consider(candidate, allows)
        }
        return round.choice()
    }

    /// The same where nobody shares a unit.
    public static func choose(
        _ candidates: [Candidate], host: HostView, want: WorkRequest, now: Timestamp
    ) -> Choice {
        choose(candidates, host: host, want: want, now: now) { _ in true }
    }

    /// Which of these tasks the host could do if it had nothing else to do, by place. The others of their batch ask for
    /// much the same.
    public static func suiting(_ tasks: [Candidate], host: HostView) -> [Bool] {
        let apps = KnownApps(host.apps)
        let availability = HostSpeed.availability(host.availability)
        let platforms = Set(host.programPlatforms)
        return tasks.map { task in
            let seconds = HostSpeed.seconds(flops: task.flops, flopsPerSecond: host.flopsPerSecond) / availability
            return apps.contains(task.app) && task.program?.runs(on: platforms) ?? true
                && task.memoryBytes <= host.memoryBytes
                && task.diskBytes <= host.diskFreeBytes && task.outputBytesMax <= host.diskFreeBytes - task.diskBytes
                && seconds <= task.deadlineSpan.seconds
        }
    }

    /// Tasks a host may have in progress: two rounds for its cores, and a few so that short ones do not starve it;
    /// never more than its quota for a day.
    public static func inProgressMax(_ host: HostView) -> Int {
        min(2 * max(host.cores, 1) + inProgressBuffer, max(host.dailyQuota, 1))
    }

    static let inProgressBuffer = 4

    /// Why the host gets nothing more whatever waits; nil: it may get more.
    /// - Parameter given: tasks that it gets now.
    public static func limit(of host: HostView, given: Int = 0) -> Refusal? {
        let limit = inProgressMax(host)
        if host.inProgress + given >= limit {
            let text = "this host has \(host.inProgress + given) tasks in progress, its limit is \(limit)"
            return Refusal(reason: .inProgressLimit, count: 0, text: text)
        }
        if host.sentLastDay + given >= host.dailyQuota {
            let text =
                "this host may get \(host.dailyQuota) tasks a day after its errors and invalid results; "
                + "each valid result raises that"
            return Refusal(reason: .dailyQuota, count: 0, text: text)
        }
        return nil
    }
}

/// One call of the scheduler: what was taken, and what was refused.
private struct SchedulerRound {
    let host: HostView
    let want: WorkRequest
    let now: Timestamp
    private let tasksMax: Int
    private var chosen: [ChosenTask] = []
    private var load: HostLoad
    private var units: Set<WorkUnitID>
    private let apps: KnownApps
    private let platforms: Set<String>
    private var diskLeft: Int64
    private var refusals = RefusalCounter()

    init(host: HostView, want: WorkRequest, now: Timestamp) {
        self.host = host
        self.want = want
        self.now = now
        tasksMax = min(want.tasks, Limits.tasksPerReplyMax)
        load = HostLoad(host: host, queuedSeconds: want.queuedSeconds)
        units = Set(host.heldUnits)
        apps = KnownApps(host.apps)
        platforms = Set(host.programPlatforms)
        diskLeft = host.diskFreeBytes
    }

    var isSatisfied: Bool {
        chosen.count >= tasksMax || (want.seconds > 0 && !chosen.isEmpty && load.newSecondsOnIdlestCore >= want.seconds)
    }

    var count: Int { chosen.count }

    mutating func consider(_ task: Candidate, _ allows: (TaskID) throws -> Bool) rethrows {
        let unit = task.id.unit
        guard !units.contains(unit) else { return refusals.count(.sameVolunteer) }
        guard apps.contains(task.app) else { return refusals.count(.unknownApp, name: task.app) }
        if let program = task.program, !program.runs(on: platforms) {
            return refusals.count(program.platforms.isEmpty ? .notReleased : .program, name: program.words)
        }
        guard task.flops >= 0, task.flopsBound >= task.flops else { return refusals.count(.bounds) }
        guard task.memoryBytes <= host.memoryBytes else { return refusals.count(.memory, need: task.memoryBytes) }
        guard task.diskBytes <= diskLeft else { return refusals.count(.disk, need: task.diskBytes) }
        guard task.outputBytesMax <= diskLeft - task.diskBytes else {
            return refusals.count(.output, need: task.outputBytesMax)
        }
        let job = HostLoad.Job(
            task: task.id, seconds: HostSpeed.seconds(flops: task.flops, flopsPerSecond: host.flopsPerSecond),
            dueSeconds: task.deadlineSpan.seconds,
            memoryBytes: task.memoryBytes)
        var loaded = load
        if let late = loaded.add(job) {
            return refusals.count(.deadline, seconds: late, due: task.deadlineSpan.seconds)
        }
        guard try allows(task.id) else { return refusals.count(.company) }
        load = loaded
        units.insert(unit)
        diskLeft -= task.diskBytes + task.outputBytesMax
        let assignment = Assignment(
            host: host.id, volunteer: host.volunteer, sentAt: now, deadline: now + task.deadlineSpan)
        chosen.append(ChosenTask(id: task.id, estimatedSeconds: job.seconds, assignment: assignment))
    }

    func choice() -> Choice {
        if isSatisfied { return Choice(tasks: chosen, refusals: []) }
        var reasons = refusals.refusals(host: host)
        if let limit = Scheduler.limit(of: host, given: count) {
            reasons.insert(limit, at: 0)
        } else if reasons.isEmpty {
            let text = chosen.isEmpty ? "no task is waiting to be computed" : "no more tasks are waiting to be computed"
            reasons.append(Refusal(reason: .noTasks, count: 0, text: text))
        }
        return Choice(tasks: chosen, refusals: reasons)
    }
}

/// The apps of a host's worker, for a look-up per candidate.
private struct KnownApps {
    /// Each as `name/version`, and by its bare name.
    private var names: Set<String> = []

    init(_ apps: [String]) {
        for app in apps {
            names.insert(app)
            if let slash = app.lastIndex(of: "/") { names.insert(String(app[..<slash])) }
        }
    }

    /// - Parameter app: `name/version`, which must be that very version; a candidate without one takes any.
    func contains(_ app: String) -> Bool { names.contains(app) }
}
