import Domain
import Engine

/// Every strategy of a kind, over all seeds, beside BOINC's rule.
public struct AttackSweep {
    public let options: AttackOptions

    public init(_ options: AttackOptions) {
        self.options = options
    }

    /// - Parameter done: told the name of each strategy that has been measured.
    public func run(done: (String) -> Void = { _ in }) throws -> AttackReport {
        var rows: [AttackRow] = []
        switch options.kind {
        case .farm:
            for strategy in FarmStrategy.all(options.rule) where strategy.name.hasPrefix(options.only ?? "") {
                rows.append(try farm(strategy))
                done(strategy.name)
            }
        case .lazy: rows.append(try farm(.lazy))
        case .copycat: for waits in [false, true] { rows.append(try copycat(waits: waits)) }
        case .sybil: rows += try sybils(done)
        case .collude: rows += try collusion(done)
        }
        var report = AttackReport(
            rows: rows, seeds: options.seeds.count, checkRate: options.rule.checkRate, window: options.rule.window)
        if options.kind == .farm, options.only == nil {
            let rule = AdaptiveRule(checkRate: 0.2, window: 20)
            let last = min(options.seeds.upperBound, options.seeds.lowerBound + 4)
            report.distinguisher = try Distinguisher.run(
                rule: rule, units: 1000, seeds: options.seeds.lowerBound...last)
        }
        return report
    }

    private static let promise = "Trust.survivalBound, whatever a cheat does"

    /// - Parameter friends: the chance that a check goes to a name of the cheat's own.
    private func farm(
        _ strategy: FarmStrategy, friends: Double = 0, name: String? = nil, bound: Double? = nil,
        boundName: String = AttackSweep.promise
    ) throws -> AttackRow {
        var played = options.rule
        played.checkRate = options.plantedRate ?? played.checkRate
        let fixture = try AttackFixture(
            rule: options.rule, units: options.results, acceptance: .adaptive(played), isInOrder: true)
        let run = FarmRun(strategy: strategy, friends: friends, results: options.results)
        var tallies: [AttackTally] = []
        var boinc: [AttackTally] = []
        for seed in options.seeds {
            tallies.append(try run.play(fixture, seed: seed))
            var draws = Draws(seed: seed, purpose: 0xB1)
            boinc.append(
                BoincBaseline.run(
                    strategy, friends: friends, results: options.results, rule: options.rule, draws: &draws))
        }
        return AttackRow(
            kind: options.kind, strategy: name ?? strategy.name, tallies: tallies, boinc: boinc,
            bound: bound ?? Trust.survivalBound(options.rule), boundName: boundName)
    }

    private func copycat(waits: Bool) throws -> AttackRow {
        let results = min(options.results, 100)
        let fixture = try AttackFixture(
            rule: options.rule, units: results, acceptance: .quorum, isInOrder: true)
        let run = CopycatRun(waits: waits, results: results)
        var draws = Draws(seed: options.seeds.lowerBound, purpose: 0xB2)
        let boinc = options.seeds.map { _ in
            let hits = (0..<results).filter { _ in draws.index(below: Int(CopycatRun.answers)) == 0 }
            return AttackTally(results: results, accepted: hits.count)
        }
        return AttackRow(
            kind: .copycat,
            strategy: waits
                ? "waits until it is overdue, and copies what was published"
                : "copies what the server shows before its report, else guesses",
            tallies: try options.seeds.map { try run.play(fixture, seed: $0) }, boinc: boinc,
            bound: 1 / Double(CopycatRun.answers), boundName: "chance: one in \(CopycatRun.answers) possible answers")
    }

    /// Names of one person: how often they judge each other, and what the adaptive rule then holds. The baseline gives
    /// tasks in order to whoever asks next, as BOINC's does.
    private func sybils(_ done: (String) -> Void) throws -> [AttackRow] {
        var rows: [AttackRow] = []
        let acceptances: [(String, AcceptanceRule)] = [("quorum 2", .quorum), ("adaptive", .adaptive(options.rule))]
        for (words, acceptance) in acceptances {
            for names in [2, 4] {
                let run = SisterRun(crowd: Crowd(hosts: 40, forgers: names))
                let fixtures = try [false, true].map { isInOrder in
                    try AttackFixture(
                        rule: options.rule, units: options.results, acceptance: acceptance, isInOrder: isInOrder)
                }
                let name = "\(words), \(names) names of 40 ask whenever one has reported: their results judged by them"
                let ours = try options.seeds.map { try run.play(fixtures[0], seed: $0) }
                let given = Double(ours.reduce(0) { $0 + $1.own }) / Double(max(1, ours.reduce(0) { $0 + $1.all }))
                rows.append(
                    AttackRow(
                        kind: .sybil, strategy: name, tallies: ours.map(\.judged),
                        boinc: try options.seeds.map { try run.play(fixtures[1], seed: $0).judged },
                        bound: run.bound(given: given),
                        boundName: "3(n-1)/hosts by the lots, or their share of all tasks where that is more"))
                done(name)
            }
        }
        let each = max(1, Int((1 / options.rule.checkRate).rounded()))
        for names in [2, 4] {
            let share = 3 * Double(names - 1) / 40
            for strategy in [FarmStrategy.lazy, .burst(each), .provenThenForge] {
                let name =
                    "\(strategy.name); \(names) names of 40 get \(DistinguisherReport.short(share)) of the checks"
                rows.append(
                    try farm(
                        strategy, friends: share, name: name,
                        bound: strategy == .lazy
                            ? CrowdRun.quorumBound(share) : Self.cliqueBound(options.rule, share),
                        boundName: strategy == .lazy
                            ? "who is never proven: quorum 2 with a clique of that share, while few are proven"
                            : Self.cliquePromise))
                done(name)
            }
        }
        return rows
    }

    private func collusion(_ done: (String) -> Void) throws -> [AttackRow] {
        var rows: [AttackRow] = []
        let fixture = try AttackFixture(rule: options.rule, units: options.results, acceptance: .quorum)
        let shares = [0.05, 0.1, 0.2, 0.3]
        for share in shares {
            let name = "quorum 2, a clique of \(share) of 40 hosts, always forges"
            guard name.hasPrefix(options.only ?? "") else { continue }
            let crowd = Crowd(hosts: 40, forgers: Int((share * 40).rounded()))
            let run = CrowdRun(crowd: crowd)
            let boinc = options.seeds.map { seed in
                var draws = Draws(seed: seed, purpose: 0xB3)
                return BoincBaseline.crowd(crowd, units: options.results, draws: &draws)
            }
            rows.append(
                AttackRow(
                    kind: .collude, strategy: name, tallies: try options.seeds.map { try run.play(fixture, seed: $0) },
                    boinc: boinc, bound: CrowdRun.quorumBound(share),
                    boundName: "quorum 2: f(3-2f)/(1+f(1-f)) of the clique's results, in f²(3-2f) of the units"))
            done(name)
        }
        let each = max(1, Int((1 / options.rule.checkRate).rounded()))
        for share in shares {
            let name = "adaptive, \(share) of the checks go to the clique, bursts of \(each)"
            guard name.hasPrefix(options.only ?? "") else { continue }
            rows.append(
                try farm(
                    .burst(each), friends: share, name: name, bound: Self.cliqueBound(options.rule, share),
                    boundName: Self.cliquePromise))
            done(name)
        }
        return rows
    }

    /// The share of a clique's results that stand although forged, f of the hosts being its own.
    ///
    private static let cliquePromise =
        "adaptive with a clique that gets f of the checks: the bound for p = q(1-f)², and f(2-f)/(1+pW)"

    /// A check finds a forgery out only when an honest host does it, and another one the tie: p = q(1-f)² of them. What
    /// survives so is `Trust.survivalBound` of that rate. What does not is computed again, and one of the clique may do
    /// that: f + (1-f)f of it stand by quorum. Before a failure there are 1/p forgeries on average, whatever honest
    /// results lie between, and before them a window of honest ones that proved the host: 1/(1 + pW) of all.
    static func cliqueBound(_ rule: AdaptiveRule, _ share: Double) -> Double {
        var weaker = rule
        weaker.checkRate *= (1 - share) * (1 - share)
        let forged = 1 / (1 + weaker.checkRate * Double(rule.window))
        return Trust.survivalBound(weaker) + share * (2 - share) * forged
    }
}
