/// An honest machine that its owner switches on for hours and off again, and uses meanwhile.
struct Churning: Behaviour {
    func traits(_ draws: inout Draws) -> HostTraits {
        var traits = HostTraits(draws: &draws)
        traits.session = (on: draws.whole(600_000...7_200_000), off: draws.whole(300_000...3_600_000))
        traits.hasUser = draws.chance(oneIn: 2)
        return traits
    }
}
