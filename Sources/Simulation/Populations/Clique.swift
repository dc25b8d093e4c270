/// Colluders: all of them say the same forged value for a unit, and nobody else knows it.
struct Clique: Behaviour {
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 {
        rumours.agreedForgery(unit, by: 0xC0_11_0D_E0)
    }
}
