/// What the ticks cannot do, for the log: each trouble is worth a line when it begins, and their end one more.
///
/// A busy server ticks hundreds of times a second, and a tick does not look at everything; so a trouble is over when
/// no tick has met it for a minute.
package struct TroubleBook: Sendable {
    private var met: [String: ContinuousClock.Instant] = [:]
    private static let keptFor: Duration = .seconds(60)
    /// More than anybody reads.
    private static let keptMax = 1000

    package init() {}

    /// Takes note of what a tick met.
    /// - Returns: what is new, in the tick's order, and whether this is the first tick after all were over.
    package mutating func tick(
        _ troubles: [String], now: ContinuousClock.Instant = .now
    ) -> (new: [String], areOver: Bool) {
        if troubles.isEmpty && met.isEmpty { return ([], false) }
        var new: [String] = []
        for trouble in troubles where met[trouble] != nil || met.count < Self.keptMax {
            if met.updateValue(now, forKey: trouble) == nil { new.append(trouble) }
        }
        met = met.filter { $0.value.duration(to: now) < Self.keptFor }
        return (new, met.isEmpty)
    }
}
