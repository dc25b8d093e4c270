/// Swarm mode: the options themselves come from the seed, so that a thousand seeds try a thousand mixes.
///
/// A. Groce and others, "Swarm Testing", ISSTA 2012: leaving features out at random finds more than having all of them
/// in every run, since some hide others.
extension SimOptions {
    public static func swarm(seed: UInt64) -> SimOptions {
        var draws = Draws(seed: seed, purpose: 0x5A)
        var options = SimOptions()
        for kind in PopulationKind.allCases { options[kind] = draws.chance(oneIn: 3) ? 1 + draws.index(below: 3) : 0 }
        options.faults = Set(ChaosKind.allCases.filter { _ in draws.chance(oneIn: 2) })
        options.quorum = 1 + draws.index(below: 3)
        if draws.chance(oneIn: 3) {
            options.checkRate = [50, 200, 500][draws.index(below: 3)]
            options.window = 1 + draws.index(below: 12)
            options.quorum = max(2, options.quorum)
        }
        options.maxTotal = options.quorum + 2 + draws.index(below: 5)
        options.maxErrors = 2 + draws.index(below: 10)
        options.units = 1 + draws.index(below: draws.chance(oneIn: 4) ? 60 : 16)
        options.deadline = [900, 1800, 3600, 7200][draws.index(below: 4)]
        options.unitSeconds = [20, 60, 120, 400][draws.index(below: 4)]
        options.resultBytes = draws.chance(oneIn: 8) ? 70_000 : [1, 64, 1000][draws.index(below: 3)]
        options.checkEach = !draws.chance(oneIn: 3)
        options.faultSeconds = [600, 1800, 3600][draws.index(below: 3)]
        options.isThorough = draws.chance(oneIn: 10)
        // Enough honest volunteers for every unit: what happens without them has a test of its own.
        options[.honest] += max(0, options.maxTotal - options.hosts) + options.quorum
        return options
    }
}
