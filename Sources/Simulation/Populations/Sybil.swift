/// One person with many hosts, each under another volunteer's name, that answer as one. They compute half of the units
/// honestly, so that their records look good, and forge the other half.
struct Sybil: Behaviour {
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 {
        // Which half is the same for all of them, or they would contradict each other.
        let forgery = rumours.agreedForgery(unit, by: 0x5B_11_5B_11)
        return forgery & 1 == 0 ? forgery : unit.truth
    }
}
