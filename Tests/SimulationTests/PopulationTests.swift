import Simulation
import Testing

/// Each kind of host does what it is there for: otherwise a thousand seeds would prove nothing about it.
@Suite("Populations")
struct PopulationTests {
    /// What a trace says, with a mix that has one kind of host beside honest ones.
    static func lines(_ mix: String, seed: UInt64 = 11) throws -> (report: RunReport, lines: [String]) {
        var lines: [String] = []
        let options = try SimOptions(text: mix)
        let report = try Simulator.run(seed: seed, options: options, show: { lines.append($0) })
        #expect(report.violation == nil)
        return (report, lines)
    }

    @Test("Every kind runs beside honest hosts", arguments: PopulationKind.allCases)
    func each(kind: PopulationKind) throws {
        let (report, lines) = try PopulationTests.lines(
            "honest=6 \(kind.rawValue)=\(kind == .honest ? 7 : 2) units=8 total=6 chaos=1200 seconds=120 faults=cut"
        )
        #expect(report.outcome.open == 0)
        #expect(lines.contains { $0.contains("host 6 input reply") })
    }

    @Test("Every kind runs in an adaptive batch", arguments: PopulationKind.allCases)
    func adaptive(kind: PopulationKind) throws {
        let (report, _) = try PopulationTests.lines(
            "honest=6 \(kind.rawValue)=\(kind == .honest ? 7 : 2) units=60 total=8 chaos=1800 seconds=60 "
                + "faults=cut,serverDeath,clientDeath rate=200 window=4")
        #expect(report.outcome.open == 0)
    }

    @Test("A clique with the majority gets its forgeries accepted: the attack is real")
    func cliqueWins() throws {
        let (report, _) = try PopulationTests.lines("honest=2 clique=8 units=10 chaos=600 faults=none seconds=60")
        #expect(report.outcome.wrong > 0)
    }

    @Test("Forgers that do not know each other get nothing accepted")
    func forgersLose() throws {
        let (report, _) = try PopulationTests.lines(
            "honest=6 lazyForger=2 trustFarmer=2 corrupter=2 units=20 chaos=600 faults=none seconds=60")
        #expect(report.outcome.wrong == 0)
        #expect(report.outcome.validated == 20)
    }

    @Test("A copycat repeats a forgery, and two make a quorum")
    func copycats() throws {
        let (report, _) = try PopulationTests.lines("lazyForger=1 copycat=4 units=10 chaos=600 faults=none seconds=60")
        #expect(report.outcome.wrong > 0)
    }

    @Test("Sybils and copies are known as such")
    func collusion() throws {
        #expect(try SimOptions(text: "honest=4 sybil=2").mayCollude)
        #expect(try SimOptions(text: "honest=4 copycat=1 corrupter=1").mayCollude)
        #expect(try !SimOptions(text: "honest=4 copycat=1").mayCollude)
        #expect(try !SimOptions(text: "honest=4 clique=1 lazyForger=3 corrupter=2").mayCollude)
    }

    @Test("Deaths, time-outs and jumps happen while there are faults, and not after")
    func phases() throws {
        let (_, lines) = try PopulationTests.lines(
            "honest=8 wrongClock=2 units=20 chaos=3600 seconds=400 faults=serverDeath,clientDeath,clocks,disk")
        let healed = try #require(lines.firstIndex { $0.hasSuffix("faults end") })
        for sign in ["server server dies", "power dies", "jumps to"] {
            #expect(lines[..<healed].contains { $0.contains(sign) }, "\(sign)")
        }
        #expect(!lines[healed...].contains { $0.contains("power dies") || $0.contains("server dies") })
    }
}
