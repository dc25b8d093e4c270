/// Recent average credit: cobblestones per day, in which credit counts half for every week of its age.
///
/// The definition is BOINC's (`sched/sched_util.h`: the sum of X * W(t) over units of credit X granted t ago, with
/// W(t) = exp(-t ln 2 / H) ln 2 / H and H = 7 days), which its `update_average` approaches with small steps. Here it is
/// kept exactly, entry by entry, so that it depends neither on when it is asked for nor on the order of the entries.
/// Derived from the ledger's integers, never the other way round.
public struct RecentAverage: Hashable, Sendable {
    /// Cobblestones per day as of `at`.
    public var perDay: Double
    /// The latest entry that it holds.
    public var at: Timestamp

    public init(perDay: Double, at: Timestamp) {
        self.perDay = perDay
        self.at = at
    }

    public static let zero = RecentAverage(perDay: 0, at: Timestamp(milliseconds: 0))
    /// What half the weight takes.
    public static let halfLife = TimeSpan(seconds: 7 * 86_400)
    /// ln 2 / 7 per day: what one cobblestone adds in the moment in which it is granted.
    public static let weightPerDay = Decay.naturalLogarithmOf2 / 7

    /// The average at a later moment. A clock that was set back makes it no larger than it was.
    public func perDay(now: Timestamp) -> Double { perDay * RecentAverage.share(left: now - at) }

    /// Counts credit that became final at `moment`, which may lie before what was counted already.
    public mutating func add(_ credit: Credit, at moment: Timestamp) {
        let added = credit.cobblestones * RecentAverage.weightPerDay
        if perDay == 0 || moment > at {
            perDay = perDay(now: moment) + added
            at = moment
        } else {
            perDay += added * RecentAverage.share(left: at - moment)
        }
    }

    private static func share(left age: TimeSpan) -> Double {
        Decay.halves(max(0, age.seconds) / halfLife.seconds)
    }
}

/// Exponential decay by arithmetic that gives the same bits on every machine, which a library's `exp2` need not.
public enum Decay {
    public static let naturalLogarithmOf2 = 0.693_147_180_559_945_3

    /// 2 to the power of -x, to the last bits of a Double. - Parameter x: 0 or more.
    public static func halves(_ x: Double) -> Double {
        guard x < 1074 else { return 0 }
        let whole = x.rounded(.down)
        let y = -(x - whole) * naturalLogarithmOf2
        var term = 1.0
        var sum = 1.0
        for n in 1...18 {
            term *= y / Double(n)
            sum += term
        }
        return Double(sign: .plus, exponent: -Int(whole), significand: sum)
    }
}
