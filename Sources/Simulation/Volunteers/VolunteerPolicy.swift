import ClientCore
import Domain
import Engine

public enum VolunteersPolicy: String, Hashable, Sendable, CaseIterable {
    /// The scheduling of `ClientCore`.
    case planned
    /// That of the client before: no matter when the host computes, two tasks for each core and a full buffer, nearest
    /// deadline first, and back only what was not begun before its deadline. It measured how much of the time it
    /// computes only while it ran, and so took hosts that are off for hosts that always compute.
    case naive
}

/// A task that a host of the model holds.
struct VolunteerTask {
    var id: TaskID
    var kind: VolunteerUnits
    /// By the server.
    var estimatedSeconds: Double
    var trueSeconds: Double
    var doneSeconds = 0.0
    var deadline: Timestamp
    var arrival: Int
    var isRunning = false
    var isMissed = false

    var fraction: Double { min(1, doneSeconds / trueSeconds) }
}

/// What a client decides.
protocol VolunteerMind {
    mutating func note(until now: Timestamp, isComputing: Bool)
    /// Tasks that go back to the server.
    func givesBack(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID>
    /// What to ask for, and the availability to say; nil: nothing.
    func wish(_ held: [VolunteerTask], _ now: Timestamp) -> (request: WorkRequest, availability: Double)?
    /// Which of the offered tasks are taken.
    mutating func take(_ offered: [VolunteerTask], _ held: [VolunteerTask], _ now: Timestamp) -> [VolunteerTask]
    /// Which tasks run now.
    func running(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID>
    mutating func finished(_ task: VolunteerTask)
    /// As the client believes.
    func secondsLeft(_ task: VolunteerTask, _ now: Timestamp) -> Double
}

/// The pure scheduling of `ClientCore`, as `ClientMachine` uses it.
struct PlannedMind: VolunteerMind {
    let cores: Int
    let buffer: WorkBuffer
    private var habits = Habits()
    private var outlook: Outlook
    private var speeds: [String: Double] = [:]
    private var typical: Double?
    private var term = WorkTerm.anyTime

    init(cores: Int, bufferSeconds: Double) {
        self.cores = cores
        buffer = WorkBuffer(highSeconds: bufferSeconds, tasksMax: 16 * cores)
        outlook = habits.outlook(always: false)
    }

    mutating func note(until now: Timestamp, isComputing: Bool) {
        habits.note(until: now, isComputing: isComputing)
        outlook = habits.outlook(always: false)
    }

    private func planned(_ task: VolunteerTask, _ now: Timestamp) -> PlannedTask {
        let whole = speeds[task.kind.app].map { task.kind.flops / $0 } ?? task.estimatedSeconds
        let fraction = task.fraction
        let byPace = fraction > 0 ? task.doneSeconds / fraction * (1 - fraction) : whole
        return PlannedTask(
            id: task.id, seconds: fraction * byPace + (1 - fraction) * whole * (1 - fraction),
            deadline: task.deadline, outlook, now, isRunning: task.isRunning, arrival: task.arrival)
    }

    func secondsLeft(_ task: VolunteerTask, _ now: Timestamp) -> Double { planned(task, now).seconds }

    private func plan(_ held: [VolunteerTask], _ now: Timestamp) -> RunPlan {
        RunPlan(held.map { planned($0, now) }, cores: cores)
    }

    func givesBack(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID> {
        var gone = Set<TaskID>()
        let kept = Set(held.filter { $0.fraction >= RunPlan.keptFraction }.map(\.id))
        while true {
            let left = held.filter { !gone.contains($0.id) }
            guard let (task, _) = plan(left, now).lastHopeless(where: { !kept.contains($0) }) else { return gone }
            gone.insert(task.id)
        }
    }

    func wish(_ held: [VolunteerTask], _ now: Timestamp) -> (request: WorkRequest, availability: Double)? {
        let loads = CoreLoads(plan(held, now).order, cores: cores)
        let wish = term.wish(
            buffer, outlook, loads, held: held.count, typicalSeconds: typical, isCalling: false)
        guard let wish else { return nil }
        let request = WorkRequest(tasks: wish.tasks, seconds: wish.seconds, queuedSeconds: wish.queuedSeconds)
        return (request, outlook.share)
    }

    mutating func take(_ offered: [VolunteerTask], _ held: [VolunteerTask], _ now: Timestamp) -> [VolunteerTask] {
        var intake = Intake(held.map { planned($0, now) }, others: 0, cores: cores, buffer: buffer)
        let taken = offered.filter { intake.take(planned($0, now)) == nil }
        if taken.isEmpty { term = term.other }
        for task in taken { typical = typical.map { $0 + 0.3 * (task.estimatedSeconds - $0) } ?? task.estimatedSeconds }
        return taken
    }

    func running(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID> {
        Set(plan(held, now).order.prefix(cores).map(\.id))
    }

    mutating func finished(_ task: VolunteerTask) {
        let speed = task.kind.flops / task.trueSeconds
        speeds[task.kind.app] = speeds[task.kind.app].map { $0 + 0.3 * (speed - $0) } ?? speed
    }
}

/// The client before it: see `VolunteersPolicy.naive`.
struct NaiveMind: VolunteerMind {
    let cores: Int
    let bufferSeconds: Double

    func note(until now: Timestamp, isComputing: Bool) {}

    func givesBack(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID> {
        Set(held.filter { $0.doneSeconds == 0 && now > $0.deadline }.map(\.id))
    }

    func wish(_ held: [VolunteerTask], _ now: Timestamp) -> (request: WorkRequest, availability: Double)? {
        let queued = held.reduce(0) { $0 + $1.estimatedSeconds * (1 - $1.fraction) }
        let typical = held.isEmpty ? 0 : held.reduce(0) { $0 + $1.estimatedSeconds } / Double(held.count)
        let missing = bufferSeconds * Double(cores) - queued
        let bySeconds = typical > 0 ? Int(min(missing / typical, 1e6).rounded(.up)) : 0
        let count = min(max(2 * cores - held.count, bySeconds), 16 * cores - held.count, Limits.tasksPerReplyMax)
        guard count > 0 else { return nil }
        let request = WorkRequest(
            tasks: count, seconds: max(missing, Double(count)), queuedSeconds: queued / Double(cores))
        return (request, 1)
    }

    func take(_ offered: [VolunteerTask], _ held: [VolunteerTask], _ now: Timestamp) -> [VolunteerTask] { offered }

    func running(_ held: [VolunteerTask], _ now: Timestamp) -> Set<TaskID> {
        let running = held.filter(\.isRunning)
        let waiting = held.filter { !$0.isRunning }.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        return Set((running + waiting).prefix(cores).map(\.id))
    }

    func finished(_ task: VolunteerTask) {}

    func secondsLeft(_ task: VolunteerTask, _ now: Timestamp) -> Double { task.estimatedSeconds * (1 - task.fraction) }
}
