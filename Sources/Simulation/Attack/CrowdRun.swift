import Domain
import Storage
import Wire

/// A clique among many hosts that call in random order, on a project that asks for two agreeing results of each unit.
struct CrowdRun {
    let crowd: Crowd

    func play(_ fixture: AttackFixture, seed: UInt64) throws -> AttackTally {
        let site = try AttackSite(fixture, seed: seed)
        var hosts = try (0..<crowd.hosts).map { try site.register($0) }
        var draws = Draws(seed: seed, purpose: 0xC0)
        let turnsMax = 40 * fixture.units + 1000
        for _ in 0..<turnsMax where try site.isRunning() {
            let at = draws.index(below: crowd.hosts)
            let says = hosts[at].held.map { offer in
                let task = site.task(offer)
                return (task, crowd.isForger(at) ? site.forgery(task.unit) : site.truth(task.unit))
            }
            try site.call(&hosts[at], says: says, want: 1)
            if !says.isEmpty || hosts[at].held.isEmpty { try site.work() }
        }
        guard try !site.isRunning() else { throw Fault(.software, "the batch does not end") }
        return try site.tally(of: Set(hosts.prefix(crowd.forgers).map(\.id)))
    }

    /// The share of the clique's results that a quorum of two accepts, where each replica's host is one of the clique
    /// with chance f: two results decide when they agree, else a third does. A unit has 2f + 2f²(1-f) results of the
    /// clique; where two of them met, which is a unit in f²(3-2f), two are accepted.
    static func quorumBound(_ share: Double) -> Double {
        share * (3 - 2 * share) / (1 + share * (1 - share))
    }
}
