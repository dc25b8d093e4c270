/// Computes, and now and then the memory of the machine flips a bit: a rare, random, wrong result.
struct Corrupter: Behaviour {
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 {
        draws.chance(oneIn: 10) ? unit.truth ^ (1 << draws.whole(0...63)) : unit.truth
    }
}
