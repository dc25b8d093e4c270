import Domain
import Engine
import Testing

/// Who may share a unit with whom.
struct PairingTests {
    private static let rule = Pairing.Rule(
        ReplicationRule(quorum: 2, initial: 2, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(seconds: 32_000)),
        SpreadRule())
    private static let few = Pairing.Crowd(volunteers: 4, proven: 0)
    private static let many = Pairing.Crowd(volunteers: 40, proven: 20)

    private static func host(
        _ volunteer: Int64, proven: Bool = true, network: UInt64? = nil, team: Int64? = nil, hardware: String = "a"
    ) -> Pairing.Host {
        Pairing.Host(
            volunteer: VolunteerID(rawValue: volunteer), isProven: proven, network: network, team: team,
            hardware: hardware)
    }

    private static func refusal(
        _ host: Pairing.Host, beside: [Pairing.Host], counts: Bool = true, spread: SpreadRule = SpreadRule(),
        quorum: Int = 2, among crowd: Pairing.Crowd = few, lot: UInt64 = 0, waited: Double = 0
    ) -> Pairing.Refusal? {
        var rule = rule
        rule.spread = spread
        rule.quorum = quorum
        return Pairing.refusal(
            of: host, beside: beside.map { Pairing.Companion(host: $0, counts: counts) }, rule, among: crowd, lot: lot,
            waited: TimeSpan(seconds: waited))
    }

    @Test func alone() {
        for crowd in [Self.few, Self.many] {
            #expect(Self.refusal(Self.host(1, proven: false), beside: [], among: crowd, lot: .max) == nil)
        }
    }

    @Test func neverTwoTasksToOneVolunteer() {
        #expect(Self.refusal(Self.host(1), beside: [Self.host(2), Self.host(1)]) == .sameVolunteer)
        #expect(Self.refusal(Self.host(1), beside: [Self.host(1)], counts: false, waited: 1e9) == .sameVolunteer)
    }

    @Test func networksTeamsAndHardwareWhereTheProjectSaysSo() {
        let first = Self.host(1, network: 7, team: 3, hardware: "x")
        let alike = Self.host(2, network: 7, team: 3, hardware: "y")
        #expect(Self.refusal(alike, beside: [first]) == nil)
        #expect(Self.refusal(alike, beside: [first], spread: SpreadRule(networks: true)) == .sameNetwork)
        #expect(Self.refusal(alike, beside: [first], spread: SpreadRule(teams: true)) == .sameTeam)
        #expect(Self.refusal(alike, beside: [first], spread: SpreadRule(sameHardware: true)) == .otherHardware)
        let unknown = Self.host(2, hardware: "x")
        let all = SpreadRule(networks: true, teams: true, sameHardware: true)
        #expect(Self.refusal(unknown, beside: [first], spread: all) == nil, "unknown is not alike")
        #expect(Self.refusal(unknown, beside: [Self.host(1, hardware: "x")], spread: all) == nil)
    }

    /// Every mixture of proven and unproven hosts that can come about: the unproven are never the majority.
    @Test(arguments: 1...6)
    func unprovenHostsAreNeverTheMajority(quorum: Int) {
        var reached: [(proven: Int, unproven: Int)] = [(0, 0)]
        var most = 0
        while let state = reached.popLast(), state.proven + state.unproven < 8 {
            let beside = (0..<state.proven + state.unproven).map {
                Self.host(Int64($0 + 1), proven: $0 < state.proven)
            }
            for proven in [true, false] {
                let next = Self.refusal(
                    Self.host(99, proven: proven), beside: beside, quorum: quorum, among: Self.many)
                #expect(!proven || next == nil, "whoever is proven may always")
                guard next == nil else { continue }
                reached.append((state.proven + (proven ? 1 : 0), state.unproven + (proven ? 0 : 1)))
            }
            most = max(most, state.unproven)
            // The first of a unit may be anybody.
            #expect(2 * state.unproven <= max(quorum, 2))
        }
        #expect(most == max(1, quorum / 2))
    }

    @Test func aYoungProjectHasNobodyElse() {
        let pair = (Self.host(1, proven: false), Self.host(2, proven: false))
        for (crowd, refusal) in [
            (Pairing.Crowd(volunteers: 40, proven: 7), nil), (Pairing.Crowd(volunteers: 40, proven: 9), nil),
            (Pairing.Crowd(volunteers: 40, proven: 10), Pairing.Refusal.unproven),
        ] {
            #expect(Self.refusal(pair.0, beside: [pair.1], among: crowd) == refusal)
        }
        let failed = Self.refusal(pair.0, beside: [pair.1], counts: false, among: Self.many)
        #expect(failed == nil, "a host whose result no longer counts is no majority")
    }

    @Test func theLotFallsOnTwoAtFirstThenOnTwiceAsMany() {
        // 32,000 s of deadline: a period is 2,000 s. Among 40, 2 of 40 at first.
        func passes(_ lot: Double, _ waited: Double) -> Bool {
            let number = UInt64(lot * 0x1p64)
            return Self.refusal(
                Self.host(1), beside: [Self.host(2)], among: Self.many, lot: number, waited: waited) == nil
        }
        #expect(passes(0.049, 0) && !passes(0.051, 0))
        #expect(!passes(0.051, 1999) && passes(0.051, 2000) && passes(0.099, 2000) && !passes(0.101, 3999))
        #expect(passes(0.19, 4000) && !passes(0.81, 8000) && passes(0.999, 10_000))
        #expect(passes(0.04, -5000), "a clock that was set back")
        let small = Self.refusal(
            Self.host(1), beside: [Self.host(2)], among: Pairing.Crowd(volunteers: 8, proven: 0), lot: .max)
        #expect(small == nil, "eight have nothing to hide in")
    }

    /// With lots that are uniform, each volunteer is as likely as any other to be among the first.
    @Test func lotsAreFair() {
        var random: UInt64 = 1
        var hits = [Int](repeating: 0, count: 40)
        for _ in 0..<4000 {
            for volunteer in hits.indices {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let mixed = (random ^ random >> 29) &* 0x9E37_79B9_7F4A_7C15
                let refusal = Self.refusal(
                    Self.host(Int64(volunteer + 2)), beside: [Self.host(1)], among: Self.many, lot: mixed)
                if refusal == nil { hits[volunteer] += 1 }
            }
        }
        #expect(hits.allSatisfy { abs($0 - 200) < 70 }, "\(hits)")
    }
}
