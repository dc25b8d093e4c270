import Domain
import Engine
import Testing

/// What the agreement graph counts, and what its statistics call more than chance.
struct AgreementGraphTests {
    private static func honest(_ count: Int, rate: Double = 0.01) -> [Population.Habit] {
        Array(repeating: .errs(rate), count: count)
    }

    private static func hosts(_ numbers: ClosedRange<Int64>) -> [HostID] { numbers.map(HostID.init(rawValue:)) }

    // MARK: Honest projects

    /// Small and large ones, with broken machines among them, where hosts come and go, with quorums of two and three.
    @Test(arguments: 0..<24)
    func honestHostsAreNeverACliqueAndNeverWorthALook(seed: Int) {
        let size = [3, 4, 5, 8, 20, 60][seed % 6]
        var habits = Self.honest(size)
        // Up to a third of the machines are broken, each in its own way.
        for broken in 0..<(size / 3) { habits[broken] = .errs([0.2, 0.5, 1][seed % 3]) }
        var population = Population(habits: habits, quorum: seed % 4 == 3 ? 3 : 2, initial: seed % 4 > 1 ? 3 : 2)
        if size >= 20 {
            // A fifth of the hosts at a time, others in each season.
            population.present = { unit in (0..<size).filter { ($0 + unit / 300) % 5 < 2 } }
        }
        population.checkRate = seed.isMultiple(of: 2) ? 0.3 : 0
        let findings = population.graph(units: 2000, seed: UInt64(seed)).findings()
        #expect(findings.groups.isEmpty, "\(findings.groups)")
        #expect(findings.worthALook.isEmpty, "\(findings.worthALook)")
        #expect(findings.pairs == size * (size - 1) / 2)
    }

    @Test func meetingsAddUpToWhatChanceExpects() {
        var population = Population(habits: Self.honest(30))
        population.present = { unit in (0..<30).filter { ($0 + unit / 200) % 3 != 0 } }
        let graph = population.graph(units: 3000, seed: 5)
        let met = graph.edges.values.reduce(0) { $0 + $1.met }
        // All pairs together met once per meeting: the expectations must sum to the same.
        var expected = 0.0
        for a in 1...30 {
            for b in (a + 1)..<31 { expected += graph.expectedMeetings(Self.pair(a, b)) }
        }
        #expect(abs(expected / Double(met) - 1) < 0.001, "\(expected) of \(met)")
    }

    private static func pair(_ a: Int, _ b: Int) -> AgreementGraph.Pair {
        AgreementGraph.Pair(HostID(rawValue: Int64(a)), HostID(rawValue: Int64(b)))
    }

    // MARK: Cliques

    @Test(arguments: 0..<6)
    func aCliqueThatOutvotesOthersIsFound(seed: Int) throws {
        var habits = Self.honest(40)
        for member in 0..<3 { habits[member] = .forgesTogether(1) }
        let population = Population(habits: habits, quorum: 2, initial: 3)
        let findings = population.graph(units: 8000, seed: UInt64(seed)).findings()
        let group = try #require(findings.groups.first)
        #expect(findings.groups.count == 1 && group.hosts == Self.hosts(1...3))
        #expect(group.standing >= 9 && group.contradictedVolunteers > 5 && group.chance < AgreementFindings.alpha)
        #expect(group.alike == 0)
        #expect(Double(group.met) < 2 * group.expectedMet + 10, "they met as often as anybody")
    }

    @Test(arguments: 0..<6)
    func aCliqueThatIsRefusedAlikeIsFoundAmongBrokenMachines(seed: Int) throws {
        var habits = Self.honest(30)
        for member in 0..<4 { habits[member] = .forgesAlways(1) }
        for broken in 4..<10 { habits[broken] = .errs(0.5) }
        var population = Population(habits: habits, quorum: 3, initial: 3)
        population.checkRate = 0.4
        let findings = population.graph(units: 6000, seed: UInt64(seed)).findings()
        let group = try #require(findings.groups.first)
        #expect(findings.groups.count == 1 && group.hosts == Self.hosts(1...4), "\(findings.groups)")
        #expect(group.alike > 10 && group.refusedByCheck > 0 && !group.classExplains)
    }

    @Test func twoCliquesAreTwoGroups() {
        var habits = Self.honest(40)
        for member in 0..<4 { habits[member] = .forgesAlways(member % 2) }
        let findings = Population(habits: habits, quorum: 3, initial: 3).graph(units: 9000, seed: 1).findings()
        let expected = [[HostID(rawValue: 1), HostID(rawValue: 3)], [HostID(rawValue: 2), HostID(rawValue: 4)]]
        #expect(findings.groups.map(\.hosts).sorted { $0[0] < $1[0] } == expected)
    }

    @Test func aClassOfHardwareThatComputesOtherwiseIsSaidToExplainItself() throws {
        var habits = Self.honest(12)
        for member in 0..<4 { habits[member] = .otherClass }
        let graph = Population(habits: habits, quorum: 3, initial: 3).graph(units: 4000, seed: 3)
        let findings = graph.findings()
        let group = try #require(findings.groups.first { $0.hosts.contains(HostID(rawValue: 1)) })
        #expect(group.hosts == Self.hosts(1...4) && group.classExplains)
        let between = graph.classes.filter { $0.key.first != $0.key.second }
        #expect(between.values.allSatisfy { $0.agreed == 0 && $0.differed > 500 } && between.count == 1)
    }

    @Test func hostsThatOnlyMeetTooOftenAreWorthALookAndNoClique() throws {
        var population = Population(habits: Self.honest(40, rate: 0))
        population.steeredEvery = 50
        let findings = population.graph(units: 3000, seed: 9).findings()
        #expect(findings.groups.isEmpty)
        let meeting = try #require(findings.worthALook.first)
        #expect(findings.worthALook.count == 1 && meeting.pair == Self.pair(1, 2))
        #expect(meeting.edge.met >= 60 && meeting.expected < 15 && meeting.edge.differed == 0)
        #expect(meeting.chance < AgreementFindings.alpha)
    }

    // MARK: Bounds

    @Test func whatDoesNotFitIsCounted() {
        let population = Population(habits: Self.honest(20, rate: 0.2))
        let whole = population.graph(units: 1000, seed: 2)
        let bounds = AgreementGraph.Bounds(pairs: 50, contradictions: 10, places: 100, classes: 0)
        let graph = population.graph(units: 1000, seed: 2, bounds: bounds)
        #expect(graph.edges.count == 50 && graph.contradictionsLeftOut > 100)
        func met(_ graph: AgreementGraph) -> Int { graph.edges.values.reduce(0) { $0 + $1.met } }
        #expect(met(graph) + graph.meetingsLeftOut == met(whole) && graph.meetingsLeftOut > 0)
        #expect(whole.meetingsLeftOut == 0 && whole.contradictionsLeftOut == 0)
        #expect(graph.classes.keys.allSatisfy { $0.first == AgreementGraph.otherClasses })
        // Wider blocks expect nearly the same.
        let (narrow, wide) = (whole.expectedMeetings(Self.pair(1, 2)), graph.expectedMeetings(Self.pair(1, 2)))
        #expect(abs(narrow - wide) < 0.2 * wide)
    }

    @Test func theOrderOfUnitsDoesNotMatter() {
        var habits = Self.honest(10, rate: 0.1)
        for member in 0..<3 { habits[member] = .forgesAlways(1) }
        let population = Population(habits: habits, quorum: 2, initial: 3)
        var generator = TestGenerator(seed: 4)
        let units = (0..<900).compactMap { UnitEvidence(population.unit($0, &generator)) }
        var (forth, back) = (AgreementGraph(), AgreementGraph())
        for unit in units { forth.add(unit) }
        for unit in units.reversed() { back.add(unit) }
        #expect(forth.edges == back.edges && forth.classes == back.classes)
        #expect(forth.findings().groups.map(\.hosts) == back.findings().groups.map(\.hosts))
        #expect(!forth.findings().groups.isEmpty)
    }

    @Test func anEmptyGraphFindsNothing() {
        let findings = AgreementGraph().findings()
        #expect(findings.groups.isEmpty && findings.worthALook.isEmpty && findings.pairs == 0)
    }
}
