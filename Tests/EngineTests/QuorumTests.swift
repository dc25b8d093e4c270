import Domain
import Engine
import Testing

/// Agreement as cliques, whatever the order of arrival.
struct QuorumTests {
    private static func members(_ count: Int) -> [Quorum.Member] {
        (0..<count).map { Quorum.Member(task: Fixture.task($0), volunteer: VolunteerID(rawValue: Int64($0))) }
    }

    /// Comparisons of `count` results of which the named pairs agree.
    private static func graph(_ count: Int, _ agreeing: [(Int, Int)]) -> [PairComparison] {
        Bench.comparisons(of: members(count).map(\.task)) { a, b in
            agreeing.contains { $0 == (a.ordinal, b.ordinal) }
        }
    }

    /// The graph whose edges are the bits of `mask`, over all pairs in order.
    private static func graph(_ count: Int, mask: Int) -> [PairComparison] {
        var bit = 0
        return Bench.comparisons(of: members(count).map(\.task)) { _, _ in
            defer { bit += 1 }
            return mask >> bit & 1 == 1
        }
    }

    private static func decide(_ count: Int, _ agreeing: [(Int, Int)], quorum: Int) -> Quorum.Decision {
        Quorum.decide(members(count), graph(count, agreeing), quorum: quorum)
    }

    private static func agreed(_ canonical: Int, _ clique: [Int]) -> Quorum.Decision {
        .agreed(canonical: Fixture.task(canonical), clique: clique.map(Fixture.task))
    }

    @Test func pairThatAgreesIsAQuorumOfTwo() {
        #expect(Self.decide(2, [(0, 1)], quorum: 2) == Self.agreed(0, [0, 1]))
        #expect(Self.decide(2, [], quorum: 2) == .undecided)
        #expect(Self.decide(3, [(1, 2)], quorum: 2) == Self.agreed(1, [1, 2]))
    }

    @Test func chainIsNoCliqueOfThree() {
        #expect(Self.decide(3, [(0, 1), (1, 2)], quorum: 3) == .undecided)
    }

    @Test func chainOfThreeAgreesInItsMiddleForAQuorumOfTwo() {
        #expect(Self.decide(3, [(0, 1), (1, 2)], quorum: 2) == Self.agreed(1, [0, 1]))
    }

    @Test func largerCampWinsAndEqualCampsDoNot() {
        #expect(Self.decide(5, [(0, 1), (2, 3), (2, 4), (3, 4)], quorum: 2) == Self.agreed(2, [2, 3, 4]))
        #expect(Self.decide(4, [(0, 1), (2, 3)], quorum: 2) == .undecided)
        #expect(Self.decide(4, [(0, 1), (1, 2), (2, 3), (0, 3)], quorum: 2) == .undecided)
    }

    @Test func volunteerCountsOnceHoweverManyResults() {
        var members = Self.members(3)
        members[1].volunteer = members[0].volunteer
        let all = Self.graph(3, [(0, 1), (0, 2), (1, 2)])
        #expect(Quorum.decide(members, all, quorum: 2) == Self.agreed(0, [0, 1, 2]))
        #expect(Quorum.decide(members, all, quorum: 3) == .undecided)
        #expect(Quorum.decide(members, Self.graph(3, [(0, 1)]), quorum: 2) == .undecided)
    }

    @Test func missingAndContradictoryComparisonsDoNotAgree() {
        let pair = Self.graph(2, [(0, 1)])
        let against = Self.graph(2, [])
        #expect(Quorum.decide(Self.members(2), [], quorum: 2) == .undecided)
        #expect(Quorum.decide(Self.members(2), pair + against, quorum: 2) == .undecided)
        #expect(Quorum.decide(Self.members(2), against + pair, quorum: 2) == .undecided)
        #expect(Quorum.covers(Self.members(2), pair))
        #expect(!Quorum.covers(Self.members(3), pair))
        #expect(Quorum.covers(Self.members(1), []))
    }

    @Test func nobodyAgreesAmongNone() {
        #expect(Quorum.decide([], [], quorum: 1) == .undecided)
        #expect(Self.decide(1, [], quorum: 1) == Self.agreed(0, [0]))
    }

    /// All graphs of up to five results, against a search through all subsets.
    @Test(arguments: 1...5)
    func decisionIsThatOfTheDefinition(_ count: Int) {
        for mask in 0..<(1 << (count * (count - 1) / 2)) {
            let comparisons = Self.graph(count, mask: mask)
            for quorum in 1...3 {
                let decision = Quorum.decide(Self.members(count), comparisons, quorum: quorum)
                #expect(decision == Self.byDefinition(count, comparisons, quorum: quorum), "graph \(mask) of \(count)")
            }
        }
    }

    private static func byDefinition(_ count: Int, _ comparisons: [PairComparison], quorum: Int) -> Quorum.Decision {
        let differing = comparisons.filter { $0.difference != nil }.map { ($0.first.ordinal, $0.second.ordinal) }
        let cliques = (1..<(1 << count)).filter { set in
            differing.allSatisfy { set >> $0.0 & 1 == 0 || set >> $0.1 & 1 == 0 }
        }
        let size = cliques.map(\.nonzeroBitCount).max() ?? 0
        guard size >= quorum else { return .undecided }
        let largest = cliques.filter { $0.nonzeroBitCount == size }
        let common = (0..<count).filter { at in largest.allSatisfy { $0 >> at & 1 == 1 } }
        guard let canonical = common.first else { return .undecided }
        let lists = largest.map { set in (0..<count).filter { set >> $0 & 1 == 1 } }
        return agreed(canonical, lists.min { $0.lexicographicallyPrecedes($1) } ?? [])
    }

    /// Results and comparisons in every order of arrival, for all graphs of up to four results, and for chosen and
    /// drawn ones of five and six.
    @Test(arguments: 1...6)
    func decisionDoesNotDependOnTheOrderOfArrival(_ count: Int) {
        let edges = count * (count - 1) / 2
        var generator = TestGenerator(seed: 7)
        let masks =
            edges <= 6
            ? Array(0..<(1 << edges)) : (0..<12).map { _ in Int.random(in: 0..<(1 << edges), using: &generator) }
        let orders = permutations(of: Self.members(count))
        #expect(orders.count == (1...count).reduce(1, *))
        for mask in masks {
            let comparisons = Self.graph(count, mask: mask)
            let expected = Quorum.decide(Self.members(count), comparisons, quorum: 2)
            for order in orders {
                let shuffled = comparisons.shuffled(using: &generator).map { pair in
                    Bool.random(using: &generator)
                        ? pair : PairComparison(first: pair.second, second: pair.first, difference: pair.difference)
                }
                guard Quorum.decide(order, shuffled, quorum: 2) == expected else {
                    Issue.record("graph \(mask) of \(count) in order \(order.map(\.task))")
                    return
                }
            }
        }
    }

    /// The same results reported in every order lead a unit to the same canonical task, verdicts and credit.
    @Test(arguments: [
        [(0, 1)], [(0, 1), (1, 2)], [(0, 1), (2, 3)], [(1, 4), (1, 5), (4, 5), (0, 2)],
        [(0, 3), (0, 4), (3, 4), (1, 2), (1, 5), (2, 5)],
    ])
    func unitEndsTheSameInEveryOrderOfReports(_ agreeing: [(Int, Int)]) {
        var ends: Set<[TaskState]> = []
        var states: Set<WorkUnitState> = []
        for order in permutations(of: Array(0..<6)) {
            var bench = Bench(Fixture.rule(quorum: 2, initial: 6, maxTotal: 6), checkEach: true)
            bench.send(0, 1, 2, 3, 4, 5)
            for ordinal in order { bench.report(ordinal) }
            for ordinal in order { bench.check(ordinal) }
            bench.compare(agreeing: agreeing)
            ends.insert(bench.aggregate.tasks.map(\.state))
            states.insert(bench.state)
        }
        #expect(ends.count == 1)
        #expect(states.count == 1)
    }

    /// Eighteen results in six groups of three that each agree with all but their own group: 729 largest cliques.
    @Test func manyCliquesAreCountedOutAndUndecided() {
        let members = Self.members(18)
        let comparisons = Bench.comparisons(of: members.map(\.task)) { a, b in a.ordinal / 3 != b.ordinal / 3 }
        #expect(Quorum.decide(members, comparisons, quorum: 2) == .undecided)
    }
}
