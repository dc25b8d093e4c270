/// An honest machine with an eighth of the usual speed.
struct Slow: Behaviour {
    func traits(_ draws: inout Draws) -> HostTraits {
        var traits = HostTraits(draws: &draws)
        traits.speed = 0.125
        traits.cores = 1
        return traits
    }
}
