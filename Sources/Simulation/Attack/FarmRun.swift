import Domain
import Engine
import Storage
import Wire

/// One cheat against the real rule: he computes first, hosts that do nothing else compute again what is to be checked.
///
/// That the others begin no units of their own takes nothing from him: in a site full of honest hosts his share of the
/// units is his affair alone.
struct FarmRun {
    let strategy: FarmStrategy
    /// The chance that a check of his goes to a name of his own, who knows what he said.
    var friends = 0.0
    let results: Int

    /// Names: the cheat's first, his friends', honest ones', then names that he takes later.
    private static let friendNames = [1, 2, 3]
    private static let honestNames = [4, 5, 6]
    private static let laterNames = 7

    func play(_ fixture: AttackFixture, seed: UInt64) throws -> AttackTally {
        let site = try AttackSite(fixture, seed: seed)
        var play = Play(
            cheat: try site.register(0), checkers: try Self.honestNames.map { try site.register($0) },
            friends: friends > 0 ? try Self.friendNames.map { try site.register($0) } : [],
            mind: FarmMind(strategy, rule: fixture.rule), draws: Draws(seed: seed, purpose: 0xFA))
        play.names = [play.cheat.id]
        var done = 0
        while done < results {
            try site.call(&play.cheat, want: 1)
            guard let offer = play.cheat.held.first else { throw Fault(.software, "the cheat got no task") }
            let task = site.task(offer)
            let view = try self.view(site, &play, left: results - done)
            let forges = play.mind.forges(view, &play.draws)
            if forges { play.forged.append(task) }
            let value = forges ? site.forgery(task.unit) : site.truth(task.unit)
            try site.call(&play.cheat, says: [(task, value)])
            done += 1
            try check(site, &play)
            try learn(site, &play)
        }
        for _ in 0..<results where try site.isRunning() {
            try site.work()
            try check(site, &play)
        }
        guard try !site.isRunning() else { throw Fault(.software, "the batch does not end") }
        return try site.tally(of: play.names)
    }

    /// The state of one play.
    struct Play {
        var cheat: AttackHost
        var checkers: [AttackHost]
        var friends: [AttackHost]
        var mind: FarmMind
        var draws: Draws
        /// Forged tasks that are not known to be final.
        var forged: [TaskID] = []
        var names: Set<HostID> = []
        var failures: Int64 = 0
    }

    private func view(_ site: AttackSite, _ play: inout Play, left: Int) throws -> FarmView {
        let rule = site.fixture.rule
        return try site.store.transaction { tx in
            let record = try tx.trust(of: play.cheat.id, app: AttackFixture.app)
            play.forged = try play.forged.filter { task in
                let state = try tx.seriesEntry(for: task)?.state
                return state == .checking || state?.isStanding ?? false
            }
            var view = FarmView(
                isProven: Trust.isProven(record, rule, now: site.now), standing: play.forged.count, left: left)
            if case .reservedBurst = strategy {
                let all = try tx.standingSeries(
                    of: play.cheat.id, app: AttackFixture.app, through: .max, limit: .max)
                view.honestStanding = all.count - play.forged.count
            }
            return view
        }
    }

    /// He sees his count of invalid results.
    private func learn(_ site: AttackSite, _ play: inout Play) throws {
        let record = try site.store.transaction { tx in
            try tx.trust(of: play.cheat.id, app: AttackFixture.app)
        }
        let failures = record?.failed ?? 0
        guard failures > play.failures else { return }
        play.failures = failures
        play.mind.failed()
        guard strategy.renews else { return }
        play.cheat = try site.register(Self.laterNames + play.names.count)
        play.names.insert(play.cheat.id)
        play.failures = 0
    }

    /// Has everything computed again that waits for it.
    private func check(_ site: AttackSite, _ play: inout Play) throws {
        while try site.hasReplicaWaiting() {
            // One draw for each replica: of his names or of the others, the first that has not had the unit.
            let isHelped = !play.friends.isEmpty && play.draws.unit() < friends
            var isDone = false
            for at in play.checkers.indices where !isDone {
                isDone =
                    isHelped
                    ? try help(site, &play.friends[at], knowing: true, &play.draws)
                    : try help(site, &play.checkers[at], knowing: false, &play.draws)
            }
            guard isDone else { throw Fault(.software, "nobody is left for a replica") }
        }
    }

    /// One checker's turn: all that waits for a second result, or one task where the next may go to somebody else.
    private func help(
        _ site: AttackSite, _ host: inout AttackHost, knowing: Bool, _ draws: inout Draws
    ) throws -> Bool {
        let volunteer = host.volunteer
        let waiting = try site.store.transaction { tx in
            try tx.unsentTasks(notOf: volunteer, after: nil, limit: friends > 0 ? 1 : 64)
                .prefix { $0.id.ordinal > 0 }.count
        }
        guard waiting > 0 else { return false }
        try site.call(&host, want: waiting)
        var says = try host.held.map { offer in
            let task = site.task(offer)
            return (task, knowing ? try firstSaid(site, task.unit) : site.truth(task.unit))
        }
        for at in says.indices.reversed() { says.swapAt(at, draws.index(below: at + 1)) }
        try site.call(&host, says: says)
        try site.work()
        return true
    }

    /// What the cheat said of a unit: his friends know.
    private func firstSaid(_ site: AttackSite, _ unit: WorkUnitID) throws -> UInt64 {
        let report = try site.store.transaction { tx in try tx.workUnit(unit)?.tasks.first?.state.report }
        let forgery = site.forgery(unit)
        return report?.result == (try site.blobs.put(AttackSite.bytes(forgery))) ? forgery : site.truth(unit)
    }
}
