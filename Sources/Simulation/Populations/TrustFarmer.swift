/// Honest until its record looks good, then it forges three of four results.
struct TrustFarmer: Behaviour {
    let honestFirst: Int
    private var computed = 0

    init(honestFirst: Int) {
        self.honestFirst = honestFirst
    }

    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 {
        computed += 1
        return computed <= honestFirst || draws.chance(oneIn: 4) ? unit.truth : draws.word()
    }
}
