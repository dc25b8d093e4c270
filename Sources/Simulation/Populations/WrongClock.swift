/// An honest machine whose clock is wrong by days, runs fast or slow by up to a percent, and jumps.
struct WrongClock: Behaviour {
    func traits(_ draws: inout Draws) -> HostTraits {
        var traits = HostTraits(draws: &draws)
        traits.clockOffset = draws.whole(-30 * 86_400_000...30 * 86_400_000)
        traits.driftPPM = draws.whole(-10_000...10_000)
        return traits
    }
}
