/// Never computes: says a random value at once.
struct LazyForger: Behaviour {
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 { draws.word() }
}
