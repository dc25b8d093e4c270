import Domain
import Storage
import Wire

/// Names of one person among honest hosts, who ask for as much as they can get whenever one of them has reported: how
/// often one of them is given the task that judges another's result.
///
/// Counted are units that one of the names began and that somebody else was given after it. Whoever judges himself
/// needs no luck with the draw, so this share is what the promise of adaptive replication must allow for.
struct SisterRun {
    let crowd: Crowd

    /// The lots of a unit fall on two volunteers at first, on twice as many when a period has passed: a name of the
    /// person is among them with chance 2f, and in the second period, which begins only when no honest host on whom the
    /// lot fell has asked, with 4f. Names that do more of the work than others are given more of the second tasks as
    /// well, as anybody is: no more than their share of all tasks.
    /// - Parameter given: the share of all tasks that the names were given.
    func bound(given: Double) -> Double {
        min(1, max(3 * Double(crowd.forgers - 1) / Double(crowd.hosts), given))
    }

    /// What came of one seed.
    struct Outcome {
        var judged: AttackTally
        /// Tasks that were given to the names, and to all.
        var own = 0
        var all = 0
    }

    func play(_ fixture: AttackFixture, seed: UInt64) throws -> Outcome {
        let site = try AttackSite(fixture, seed: seed)
        var hosts = try (0..<crowd.hosts).map { try site.register($0) }
        var draws = Draws(seed: seed, purpose: 0x515)
        for _ in 0..<40 * fixture.units + 1000 where try site.isRunning() {
            let at = draws.index(below: crowd.hosts)
            let says = hosts[at].held.map { offer in
                let task = site.task(offer)
                return (task, site.truth(task.unit))
            }
            try site.call(&hosts[at], says: says, want: 3)
            try site.work()
            guard crowd.isForger(at), !says.isEmpty else { continue }
            for sister in 0..<crowd.forgers where sister != at {
                try site.call(&hosts[sister], want: 16, after: 1)
            }
        }
        return try tally(site, Set(hosts.prefix(crowd.forgers).map(\.id)))
    }

    private func tally(_ site: AttackSite, _ sisters: Set<HostID>) throws -> Outcome {
        var outcome = Outcome(judged: AttackTally())
        let units = try site.store.transaction { tx in try tx.workUnits(of: site.batch, fromIndex: 0, limit: .max) }
        for unit in units {
            let given = unit.tasks.compactMap(\.state.assignment).sorted { $0.sentAt < $1.sentAt }
            outcome.all += given.count
            outcome.own += given.count { sisters.contains($0.host) }
            guard given.count > 1, sisters.contains(given[0].host) else { continue }
            outcome.judged.results += 1
            if sisters.contains(given[1].host) { outcome.judged.accepted += 1 }
        }
        return outcome
    }
}
