import Domain

/// THE BASELINE, no rule of ours: adaptive replication as BOINC's scheduler does it, and nothing else of BOINC.
///
/// After `sched/sched_send.cpp` (`set_trust`) and `sched/validator.cpp` (`is_valid`) of BOINC: a host with ten or more
/// consecutive valid results gets a task alone unless a draw with chance 1 / consecutive_valid falls; the result of
/// such a task is valid at once and is not counted; a result that was compared and agreed raises the count; one that
/// was refuted sets it to 0. Validity is final: nothing is taken back.
struct BoincHost {
    private(set) var consecutiveValid = 0
    static let unreplicatedFrom = 10

    /// Whether the next task of this host is sent to it alone.
    func isTrusted(_ draws: inout Draws) -> Bool {
        guard consecutiveValid >= Self.unreplicatedFrom else { return false }
        return draws.unit() > 1 / Double(consecutiveValid)
    }

    mutating func compared(isValid: Bool) { consecutiveValid = isValid ? consecutiveValid + 1 : 0 }
}

/// What a single cheat gets out of BOINC's rule, with honest hosts beside him that find out whatever is compared.
enum BoincBaseline {
    /// - Parameter friends: the chance that a replica goes to a name of the cheat's own, which says what he said.
    static func run(
        _ strategy: FarmStrategy, friends: Double = 0, results: Int, rule: AdaptiveRule, draws: inout Draws
    ) -> AttackTally {
        var tally = AttackTally()
        var host = BoincHost()
        var mind = FarmMind(strategy, rule: rule)
        var mine = Draws(seed: draws.word(), purpose: 0xB0)
        while tally.results < results {
            let view = FarmView(
                isProven: host.consecutiveValid >= BoincHost.unreplicatedFrom, standing: 0,
                left: results - tally.results)
            let forges = mind.forges(view, &mine)
            tally.results += 1
            if host.isTrusted(&draws) {
                if forges { tally.accepted += 1 }
                continue
            }
            // Two of three results decide.
            let isHelped = forges && (draws.unit() < friends || draws.unit() < friends)
            if isHelped { tally.accepted += 1 }
            host.compared(isValid: !forges || isHelped)
            // A new name starts at 0, which is where a failure leaves the old one.
            if forges && !isHelped { mind.failed() }
        }
        return tally
    }

    /// What a crowd gets where each unit has two replicas, which is BOINC's rule without the adaptive one: hosts call
    /// in random order, a share of them is of one mind and always forges.
    static func crowd(_ crowd: Crowd, units: Int, draws: inout Draws) -> AttackTally {
        var tally = AttackTally()
        for _ in 0..<units {
            var members: [Int] = []
            while !isDecided(members, crowd) { members.append(crowd.next(besides: members, &draws)) }
            let forgers = members.filter(crowd.isForger)
            let forged = forgers.count >= 2
            tally.results += forgers.count
            if forged { tally.accepted += forgers.count }
        }
        return tally
    }

    private static func isDecided(_ members: [Int], _ crowd: Crowd) -> Bool {
        let forgers = members.filter(crowd.isForger).count
        return forgers >= 2 || members.count - forgers >= 2
    }
}
