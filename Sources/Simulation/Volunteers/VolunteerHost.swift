import ClientCore
import Domain
import Engine

/// One host of the model. Hosts have nothing to do with each other, since work is always waiting.
struct VolunteerHost<Mind: VolunteerMind> {
    private let place: Int
    private let cores: Int
    private let speed: Double
    private let benchmark: Double
    private let bufferSeconds: Double
    private var draws: Draws
    private var mind: Mind
    private var held: [VolunteerTask] = []
    private var tasksMade = 0
    private var nextCall = Timestamp(milliseconds: 0)
    private var emptyReplies = 0
    private(set) var tally = VolunteersTally()

    /// A look at everything at least so often, milliseconds.
    private static var step: Int64 { 15 * 60_000 }

    init(place: Int, _ options: VolunteersOptions, cores: Int, speed: Double, draws: Draws, mind: Mind) {
        self.place = place
        self.cores = cores
        self.speed = speed
        self.draws = draws
        self.mind = mind
        bufferSeconds = options.bufferHours * 3600
        benchmark = speed * (0.75 + 0.6 * self.draws.unit())
        tally.hosts = 1
    }

    mutating func live(_ sessions: [Range<Int64>], until end: Int64) {
        for session in sessions {
            mind.note(until: moment(session.lowerBound), isComputing: false)
            var now = session.lowerBound
            while now < session.upperBound {
                decide(moment(now))
                now = advance(from: now, until: session.upperBound)
            }
            for at in held.indices { held[at].isRunning = false }
        }
        noteMissed(moment(end))
        tally.open += held.filter { !$0.isMissed }.count
    }

    /// The model begins at midnight.
    private func moment(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    private mutating func decide(_ now: Timestamp) {
        noteMissed(now)
        let gone = mind.givesBack(held, now)
        for task in held where gone.contains(task.id) {
            if !task.isMissed { tally.givenBack += 1 }
            tally.lostHours += task.doneSeconds / 3600
        }
        held.removeAll { gone.contains($0.id) }
        if now >= nextCall { ask(now) }
        let running = mind.running(held, now)
        for at in held.indices { held[at].isRunning = running.contains(held[at].id) }
    }

    private mutating func noteMissed(_ now: Timestamp) {
        for at in held.indices where now > held[at].deadline && !held[at].isMissed {
            held[at].isMissed = true
            tally.missed += 1
        }
    }

    // MARK: Calls

    private mutating func ask(_ now: Timestamp) {
        guard let (request, availability) = mind.wish(held, now) else { return }
        tally.calls += 1
        let view = HostView(
            id: HostID(rawValue: Int64(place) + 1), volunteer: VolunteerID(rawValue: Int64(place) + 1), cores: cores,
            memoryBytes: 8 << 30, diskFreeBytes: 100 << 30, flopsPerSecond: benchmark, availability: availability,
            apps: VolunteerUnits.all.map(\.app), inProgress: held.filter { !$0.isMissed }.count, sentLastDay: 0,
            dailyQuota: HostQuota.tasksPerDay(valid: 100, invalid: 0, errors: 0, cores: cores), heldUnits: [])
        let kinds = (0..<32).map { _ in VolunteerUnits.drawn(&draws) }
        let candidates = kinds.enumerated().map { at, kind in candidate(kind, at) }
        let choice = Scheduler.choose(candidates, host: view, want: request, now: now)
        let offered = choice.tasks.map { chosen -> VolunteerTask in
            let kind = kinds[Int(chosen.id.unit.index) - tasksMade]
            return VolunteerTask(
                id: chosen.id, kind: kind, estimatedSeconds: chosen.estimatedSeconds,
                trueSeconds: kind.flops / speed * (0.8 + 0.5 * draws.unit()), deadline: chosen.assignment.deadline,
                arrival: Int(chosen.id.unit.index))
        }
        tasksMade += kinds.count
        receive(offered, now)
    }

    private func candidate(_ kind: VolunteerUnits, _ at: Int) -> Candidate {
        let unit = WorkUnitID(batch: BatchID(rawValue: 1), index: Int64(tasksMade + at))
        return Candidate(
            id: TaskID(unit: unit, ordinal: 0), app: kind.app, flops: kind.flops, flopsBound: 10 * kind.flops,
            memoryBytes: 1 << 28, diskBytes: 1 << 28, outputBytesMax: 1 << 20,
            deadlineSpan: TimeSpan(seconds: kind.deadlineSeconds))
    }

    private mutating func receive(_ offered: [VolunteerTask], _ now: Timestamp) {
        let taken = mind.take(offered, held, now)
        tally.sent += offered.count
        tally.declined += offered.count - taken.count
        tally.longTasks += offered.filter { $0.trueSeconds >= 86_400 }.count
        held += taken
        emptyReplies = taken.isEmpty ? min(emptyReplies + 1, 6) : 0
        nextCall = now + TimeSpan(seconds: taken.isEmpty ? Double(30 << emptyReplies) : 1)
        guard !taken.isEmpty else { return }
        let left = held.map { mind.secondsLeft($0, now) }
        let longest = left.max() ?? 1
        tally.overFetchMax = max(
            tally.overFetchMax, (left.reduce(0, +) / Double(cores) - bufferSeconds) / longest)
    }

    // MARK: Computing

    /// Computes until something is to be decided.
    ///
    /// - Returns: when that is.
    private mutating func advance(from now: Int64, until end: Int64) -> Int64 {
        var next = min(end, now + Self.step)
        if nextCall.milliseconds > now { next = min(next, nextCall.milliseconds) }
        for task in held where task.isRunning {
            next = min(next, now + max(1, Int64(((task.trueSeconds - task.doneSeconds) * 1000).rounded(.up))))
        }
        let seconds = Double(next - now) / 1000
        let running = held.filter(\.isRunning).count
        tally.coreHours += Double(cores) * seconds / 3600
        tally.idleHours += Double(cores - running) * seconds / 3600
        mind.note(until: moment(next), isComputing: true)
        for at in held.indices where held[at].isRunning { held[at].doneSeconds += seconds }
        for task in held where task.doneSeconds >= task.trueSeconds { finish(task, moment(next)) }
        held.removeAll { $0.doneSeconds >= $0.trueSeconds }
        return next
    }

    private mutating func finish(_ task: VolunteerTask, _ now: Timestamp) {
        mind.finished(task)
        if now > task.deadline {
            if !task.isMissed { tally.missed += 1 }
            tally.lostHours += task.trueSeconds / 3600
        } else {
            tally.inTime += 1
        }
    }
}
