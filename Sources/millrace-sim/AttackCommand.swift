import ArgumentParser
import Simulation

struct Attack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what cheats get out of the rules, beside what is promised and beside BOINC's rule.",
        discussion: """
            The real server core, driven call by call by hosts that cheat. Each strategy of the kind is a line: the
            share of the attackers' results that became final although forged, with a 99 % confidence interval, the
            bound, and BOINC's adaptive replication for the same strategy and as many results.

            Example:
              millrace-sim attack --kind farm --seeds 1..1000

            Exit code 1 when a measured share is above its bound by more than chance explains.
            """)

    @Option(name: .long, help: "farm, lazy, copycat, sybil or collude.")
    var kind: AttackKind
    @Option(name: .long, help: "For example 1..1000, or one seed.")
    var seeds = Seeds(1...1000)
    @Option(name: .long, help: "The share of a proven host's results that is checked.")
    var rate = 0.1
    @Option(name: .long, help: "Results that must follow before one is final.")
    var window = 50
    @Option(name: .long, help: "Results of the attacker in each seed; units of each seed where a crowd takes part.")
    var results = 400
    @Option(name: .long, help: "Of farm: only strategies whose name begins like this, for example 'bursts of 10'.")
    var only: String?
    @Flag(name: .long, help: "One JSON value.")
    var json = false

    func validate() throws {
        guard rate > 0, rate < 1, (1...1000).contains(window), (1...1000).contains(results),
            seeds.range.count <= 1_000_000
        else { throw ValidationError("expected --rate above 0 and below 1, --window and --results of 1 to 1000") }
    }

    func run() throws {
        try guarded {
            var options = AttackOptions(kind: kind)
            options.seeds = seeds.range
            options.checkRate = rate
            options.window = window
            options.results = results
            options.only = only
            let report = try AttackSweep(options).run { show($0) }
            print(json ? report.json : report.text)
            if report.isBroken { throw ExitCode.broken }
        }
    }
}

extension AttackKind: ExpressibleByArgument {}
