import Domain

/// When this host computes, learned by watching it: how much of the time, and at which hours of the day.
///
/// Time in which no client ran counts as not computing: a machine that is on for an hour a day computes for an hour a
/// day at most, whatever it does in that hour. Sums fade, so that about the last week counts.
public struct Habits: Hashable, Sendable, Codable {
    /// Seconds that are known of, and those of them in which the host could compute.
    public private(set) var seenSeconds = 0.0
    public private(set) var computedSeconds = 0.0
    /// The same by hour of the day, UTC. Hours of the week would need a month to say anything.
    private var seenByHour = [Double](repeating: 0, count: Habits.hoursPerDay)
    private var computedByHour = [Double](repeating: 0, count: Habits.hoursPerDay)
    /// Stretches of computing that were begun, fading like the sums. Shorter pauses than an hour end none.
    private var sessions = 0.0
    /// Of the newest one.
    private var sessionBegan: Timestamp?
    /// When the host last computed.
    private var lastComputed: Timestamp?
    /// Everything before this is counted; nil: nothing is.
    public private(set) var notedUntil: Timestamp?

    static let hoursPerDay = 24
    static let hourSeconds = 3600.0
    static let daySeconds = 86_400.0
    /// What is remembered: a week, and as much of each hour.
    private static let memorySeconds = 7 * daySeconds
    private static let hourMemorySeconds = 7 * hourSeconds
    /// A machine that was away for longer comes back from somebody's holidays, with the habits that it had.
    private static let gapMaxSeconds = 7 * daySeconds

    public init() {}

    /// Counts the time since the last note. The first note counts nothing.
    ///
    /// - Parameter isComputing: whether the host could compute in that time.
    public mutating func note(until now: Timestamp, isComputing: Bool) {
        guard let before = notedUntil else {
            notedUntil = now
            return
        }
        notedUntil = now
        var at = max(before, now + TimeSpan(seconds: -Self.gapMaxSeconds))
        while at < now {
            let place = DayHour(at)
            let end = min(now, place.end)
            if isComputing { noteSession(from: at, to: end) }
            add((end - at).seconds, isComputing, hour: place.hour)
            at = end
        }
    }

    /// Counts a day with this share of computing in it.
    mutating func take(share: Double) {
        seenSeconds += Self.daySeconds
        computedSeconds += share * Self.daySeconds
    }

    /// The machine's clock was set back by `-step`.
    mutating func setClockBack(by step: TimeSpan) {
        notedUntil = notedUntil.map { $0 + step }
        sessionBegan = sessionBegan.map { $0 + step }
        lastComputed = lastComputed.map { $0 + step }
    }

    private mutating func noteSession(from: Timestamp, to: Timestamp) {
        if lastComputed.map({ (from - $0).seconds >= Self.hourSeconds }) ?? true {
            sessions += 1
            sessionBegan = from
        }
        lastComputed = to
    }

    private mutating func add(_ seconds: Double, _ isComputing: Bool, hour: Int) {
        // Sessions are counted against the same time as the seconds in them.
        var before = seenSeconds
        Self.fade(&before, &sessions, by: seconds, memory: Self.memorySeconds)
        Self.fade(&seenSeconds, &computedSeconds, by: seconds, memory: Self.memorySeconds)
        Self.fade(&seenByHour[hour], &computedByHour[hour], by: seconds, memory: Self.hourMemorySeconds)
        seenSeconds += seconds
        seenByHour[hour] += seconds
        guard isComputing else { return }
        computedSeconds += seconds
        computedByHour[hour] += seconds
    }

    /// Makes room for new seconds in a full memory: an average at first, an exponential one then, and no `exp`, whose
    /// last bit differs between machines.
    private static func fade(_ seen: inout Double, _ computed: inout Double, by seconds: Double, memory: Double) {
        guard seen + seconds > memory else { return }
        let kept = max(0, memory - seconds) / seen
        seen *= kept
        computed *= kept
    }

    /// What is to be expected from now on.
    ///
    /// - Parameter always: the host computes whenever it is on, as its owner says. Then what has not been seen of the
    ///   first day counts as computing, otherwise as standing still.
    public func outlook(always: Bool) -> Outlook {
        let unseen = max(0, Self.daySeconds - seenSeconds)
        // A newcomer counts as one that computes for an hour a day until it has shown more: who was just installed by
        // somebody who is there for an hour must not be given a task of a day.
        let known =
            always ? computedSeconds + unseen : unseen > 0 ? max(computedSeconds, Self.hourSeconds) : computedSeconds
        let share = min(1, max(Outlook.shareMin, known / max(seenSeconds, Self.daySeconds)))
        let hours = (0..<Self.hoursPerDay).map { hour in
            // An hour of the average stands for what is not known of this one.
            (computedByHour[hour] + share * Self.hourSeconds) / (seenByHour[hour] + Self.hourSeconds)
        }
        let session =
            always && computedSeconds < Self.daySeconds
            ? Self.daySeconds : max(computedSeconds, Self.hourSeconds) / max(sessions, 1)
        let begun = sessionBegan.flatMap { began in lastComputed.map { ($0 - began).seconds } } ?? 0
        return Outlook(share: share, hours: hours, sessionSeconds: session, sessionBegunSeconds: begun)
    }
}

/// What a host is expected to do from now on.
public struct Outlook: Hashable, Sendable {
    /// Fraction of the time in which it computes, `shareMin` ... 1.
    public let share: Double
    /// The same by hour of the day, UTC.
    private let hours: [Double]
    private let secondsPerDay: Double
    /// Of computing, in a usual stretch of it, and in the present one so far.
    private let sessionSeconds: Double
    private let sessionBegunSeconds: Double

    public static let shareMin = 0.01

    /// - Parameter hours: 24 of them, each 0 ... 1.
    init(share: Double, hours: [Double], sessionSeconds: Double, sessionBegunSeconds: Double) {
        precondition(hours.count == Habits.hoursPerDay)
        self.share = share
        self.hours = hours
        self.sessionSeconds = sessionSeconds
        self.sessionBegunSeconds = sessionBegunSeconds
        secondsPerDay = hours.reduce(0, +) * Habits.hourSeconds
    }

    /// A host that computes for a given part of every hour, and never stops for longer.
    public init(share: Double) {
        let hours = [Double](repeating: share, count: Habits.hoursPerDay)
        self.init(share: share, hours: hours, sessionSeconds: 0, sessionBegunSeconds: 0)
    }

    /// What is set aside for bad luck: a stretch of computing that does not take place. The more a host computes, the
    /// less of it.
    public var reserveSeconds: Double { (1 - share) * sessionSeconds }

    /// What the present stretch will surely still bring: half of what is left of a usual one, and a sixteenth of it
    /// however long it has lasted.
    public var sureSeconds: Double { max(sessionSeconds / 16, (sessionSeconds - sessionBegunSeconds) / 2) }

    /// Seconds of computing that can be relied on between two moments.
    ///
    /// - Parameter isInStretch: the first of them is now, and the host computes.
    public func safeSeconds(from: Timestamp, to: Timestamp, isInStretch: Bool = true) -> Double {
        guard to > from else { return 0 }
        let sure = isInStretch ? min(sureSeconds, (to - from).seconds) : 0
        return max(computingSeconds(from: from, to: to) - reserveSeconds, sure)
    }

    /// Expected seconds of computing between two moments; 0 when the second is not after the first.
    public func computingSeconds(from: Timestamp, to: Timestamp) -> Double {
        guard to > from else { return 0 }
        let days = ((to - from).seconds / Habits.daySeconds).rounded(.down)
        var sum = days * secondsPerDay
        var at = from + TimeSpan(seconds: days * Habits.daySeconds)
        // Less than a day is left, but for the rounding of a century.
        for _ in 0...Habits.hoursPerDay where at < to {
            let place = DayHour(at)
            let end = min(to, place.end)
            sum += hours[place.hour] * (end - at).seconds
            at = end
        }
        return sum
    }
}

/// The hour of the day, UTC, in which a moment lies.
private struct DayHour {
    var hour: Int
    /// Its end.
    var end: Timestamp

    init(_ moment: Timestamp) {
        let milliseconds: Int64 = 3_600_000
        let into = moment.milliseconds % milliseconds
        let begin = moment.milliseconds - (into < 0 ? into + milliseconds : into)
        let hours = begin / milliseconds % Int64(Habits.hoursPerDay)
        hour = Int(hours < 0 ? hours + Int64(Habits.hoursPerDay) : hours)
        end = Timestamp(milliseconds: begin + milliseconds)
    }
}
