import Domain

/// When to tell those to come back who are turned away: each gets a place of its own in the time to come.
///
/// One figure for all would bring all back at the same moment. So every refusal takes the next free place, and places
/// lie as far apart as the server is slow: half of the rate at which it answered lately, since the other half is for
/// those who come anew. A place is a promise of nothing; who comes and is refused again gets another.
///
/// A function of what it is told; time is in seconds of any steady clock.
public struct RetryPacer: Hashable, Sendable {
    /// Places per second when nothing was answered lately.
    public var perSecondMin: Double
    /// Nobody is told to wait longer: a queue that long empties faster than it is believed.
    public var secondsMax: Double

    /// Of the running mean of answers per second: what is that old counts 1/e.
    private static let memorySeconds = 10.0

    private var rate = 0.0
    private var answered = 0
    private var since: Double?
    private var next = 0.0

    /// - Parameters: both over 0.
    public init(perSecondMin: Double = 200, secondsMax: Double = 600) {
        precondition(perSecondMin > 0 && secondsMax >= 1)
        self.perSecondMin = perSecondMin
        self.secondsMax = secondsMax
    }

    /// A call was answered for good.
    public mutating func answered(now: Double) {
        answered += 1
        fold(now)
    }

    /// A call was turned away. - Returns: the seconds to wait, whole, 1 or more.
    public mutating func refused(now: Double) -> Int {
        fold(now)
        let places = max(perSecondMin, rate / 2)
        next = max(next, now + 1) + 1 / places
        // Beyond the end of what is promised the places begin anew, so that they stay spread.
        if next - now > secondsMax { next = now + 1 + 1 / places }
        return Int(max(1, (next - now).rounded(.up)))
    }

    /// Takes what was counted into the mean, once a second.
    private mutating func fold(_ now: Double) {
        guard let from = since else {
            since = now
            return
        }
        let seconds = now - from
        guard seconds >= 1 else { return }
        let weight = min(1, seconds / Self.memorySeconds)
        rate += weight * (Double(answered) / seconds - rate)
        answered = 0
        since = now
    }
}
