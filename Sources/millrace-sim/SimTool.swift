import ArgumentParser
import Simulation

@main
struct SimTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-sim",
        abstract: "Run the real server and the real clients in simulated time, with every fault, from a seed.",
        discussion: """
            Example:
              millrace-sim run --seeds 1..1000 --swarm
              millrace-sim replay 17 --swarm --trace

            Exit codes:
              0   every invariant held
              1   an invariant was broken (seed, step and the shortest reproduction are shown), or a bound
              64  wrong arguments
              70  a fault of the simulator
            """,
        version: "0.1.0", subcommands: [Run.self, Replay.self, Bench.self, Fleet.self, Volunteers.self, Attack.self])
}

extension ExitCode {
    /// An invariant was broken.
    static let broken = ExitCode(1)
}

/// Seeds as `A..B`, or one.
struct Seeds: ExpressibleByArgument {
    let range: ClosedRange<UInt64>

    init(_ range: ClosedRange<UInt64>) {
        self.range = range
    }

    init?(argument: String) {
        let ends = argument.split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
        guard let first = ends.first, let first, let last = ends.last, let last, ends.count <= 2, first <= last else {
            return nil
        }
        range = first...last
    }
}

/// What a run is made of.
struct MixOptions: ParsableArguments {
    @Flag(name: .long, help: "Draw the options themselves from the seed.")
    var swarm = false
    @Option(
        name: .long,
        help: "Options as one text, for example 'honest=6 lazyForger=2 units=10 faults=cut'; see docs/simulator.md.")
    var options: String?

    /// nil: swarm.
    func make() throws -> SimOptions? {
        guard !swarm else { return nil }
        guard let options else { return SimOptions() }
        do {
            return try SimOptions(text: options)
        } catch {
            throw ValidationError("--options: '\(error.word)' says nothing that can be simulated")
        }
    }
}
