import Domain
import Engine
import Testing

/// What the verdicts of a unit say of its hosts, and the order in which hosts stand by evidence.
struct EvidenceTests {
    private func findings(_ bench: Bench) throws -> [UnitEvidence.Finding] {
        try #require(UnitEvidence(bench.aggregate)).results.map(\.finding)
    }

    private func quorum(_ quorum: Int, initial: Int) -> Bench {
        var bench = Bench(Fixture.rule(quorum: quorum, initial: initial, maxTotal: 6))
        for ordinal in 0..<initial { bench.send(ordinal) }
        return bench
    }

    @Test func anOutvotedResultIsTheWordOfTwoAgainstOne() throws {
        var bench = quorum(2, initial: 3)
        bench.report(0, 1, 2)
        bench.check(0, 1, 2)
        bench.compare(agreeing: [(0, 2)])
        #expect(try findings(bench) == [.agreed, .outvoted(by: 2), .agreed])
        let evidence = try #require(UnitEvidence(bench.aggregate))
        #expect(evidence.side.map(\.task.ordinal) == [0, 2] && evidence.contradicted.map(\.task.ordinal) == [1])
        #expect(evidence.results[1].verdict.difference == Fixture.difference)
    }

    @Test func whatACheckRefutesIsHardEvidence() throws {
        var bench = quorum(2, initial: 2)
        bench.report(0, 1)
        bench.check(0, as: .malformed("no table"))
        bench.check(1, as: .refuted(Fixture.difference, "recomputed"))
        #expect(try findings(bench) == [.malformed, .refuted])
        #expect(try #require(UnitEvidence(bench.aggregate)).side.isEmpty)
    }

    @Test func aResultAgainstAProvenOneIsHardEvidence() throws {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 2, maxTotal: 6, acceptance: .check))
        bench.send(0, 1)
        bench.report(0)
        bench.check(0, as: .proven)
        bench.report(1)
        bench.check(1)
        bench.compare(agreeing: [])
        #expect(try findings(bench) == [.proven, .againstProven])
        #expect(try #require(UnitEvidence(bench.aggregate)).side.map(\.task.ordinal) == [0])
    }

    @Test func againstASingleResultIsOneWordAgainstOne() throws {
        var bench = Bench(Fixture.rule(quorum: 1, initial: 2, maxTotal: 6))
        bench.send(0, 1)
        bench.report(0)
        bench.check(0)
        #expect(try findings(bench) == [.unchecked])
        bench.report(1)
        bench.check(1)
        bench.compare(agreeing: [])
        #expect(try findings(bench) == [.unchecked, .againstOne])
    }

    @Test func withoutAQuorumNothingIsDecided() throws {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 2, maxTotal: 2))
        bench.send(0, 1)
        #expect(UnitEvidence(bench.aggregate) == nil)
        bench.report(0, 1)
        bench.check(0, 1)
        bench.compare(agreeing: [])
        #expect(try findings(bench) == [.undecided, .undecided])
        var graph = AgreementGraph()
        graph.add(try #require(UnitEvidence(bench.aggregate)))
        #expect(graph.edges.isEmpty && graph.unitsDecided == 1 && graph.unitsCompared == 0)
        #expect(graph.hosts[Fixture.host(0)]?.undecided == 1 && graph.hosts[Fixture.host(0)]?.checked == 0)
    }

    // MARK: The order of hosts

    private func host(_ number: Int64, agreed: Int, outvoted: Int = 0, refuted: Int = 0) -> HostEvidence {
        var host = HostEvidence(host: HostID(rawValue: number), volunteer: VolunteerID(rawValue: number))
        (host.agreed, host.outvoted, host.refuted) = (agreed, outvoted, refuted)
        return host
    }

    @Test func hostsStandInOrderOfEvidence() {
        let hosts = [
            host(1, agreed: 1, outvoted: 1), host(2, agreed: 50, outvoted: 50), host(3, agreed: 50, refuted: 50),
            host(4, agreed: 0, refuted: 1), host(5, agreed: 100), host(6, agreed: 990, refuted: 10),
            host(7, agreed: 0),
        ]
        let order = hosts.sorted(by: HostEvidence.precedes).map(\.host.rawValue)
        // Half of a hundred weighs more than one of one; a refutation more than a lost vote; nothing proves nothing.
        #expect(order == [3, 4, 2, 1, 6, 5, 7])
        #expect(hosts[4].failureRateMin == 0 && hosts[6].failureRateMin == 0)
        #expect(hosts.allSatisfy { $0.failureRateMin <= $0.weight / max(1, Double($0.checked)) })
    }

    // MARK: Chances

    /// Against values by `scipy.stats.poisson.sf` and the closed form of Wilson's interval.
    @Test(
        arguments: [
            (3, 0.07, 5.424_784_186_582e-5), (12, 0.87, 1.761_910_855_061e-10), (50, 25, 6.953_305_247_616e-6),
            (300, 200, 2.711_468_443_343e-11), (1000, 750, 2.151_655_717_320e-18),
        ] as [(Int, Double, Double)])
    func tailsAreThoseOfPoisson(count: Int, mean: Double, expected: Double) {
        let tail = Chance.poissonTail(atLeast: count, mean: mean)
        #expect(abs(tail / expected - 1) < 1e-9, "\(tail)")
    }

    @Test func tailsHoldAtTheirEnds() {
        #expect(Chance.poissonTail(atLeast: 0, mean: 3) == 1)
        #expect(Chance.poissonTail(atLeast: 4, mean: 4) == 1, "below the mean plus one nothing is claimed")
        #expect(Chance.poissonTail(atLeast: 1, mean: 0) == 0)
        #expect(Chance.poissonTail(atLeast: 100_000, mean: 1) == 0)
        #expect(Chance.lowerBound(0, of: 10) == 0 && Chance.lowerBound(1, of: 0) == 0)
        #expect(Chance.lowerBound(1, of: 1) > 0.26 && Chance.lowerBound(1, of: 1) < 0.28)
        #expect(Chance.lowerBound(1e9, of: 1e9) <= 1)
    }
}
