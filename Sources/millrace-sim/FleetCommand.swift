import ArgumentParser
import Simulation

struct Fleet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How long a fleet of volunteers takes for a project: an abstract model with the real scheduler.",
        discussion: """
            Speeds, availability, life and errors of the hosts are the model's own; docs/simulator.md describes them.
            Reports makespan against a lower bound, deadline misses, wasted FLOPs and replication.

            Example:
              millrace-sim fleet --hosts 100000 --days 365
            """)

    @Option(name: .long, help: "Hosts at any one time.")
    var hosts = 100_000
    @Option(name: .long, help: "Days that the project would take if nothing were lost.")
    var days = 365
    @Option(name: .long, help: "Hours of a unit on a core of 4 GFLOP/s.")
    var unitHours = 24
    @Option(name: .long, help: "Days from sending a task to its report.")
    var deadlineDays = 14
    @Option(name: .long, help: "Agreeing results that decide a unit.")
    var quorum = 2
    @Option(name: .long, help: "The seed.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...1_000_000).contains(hosts), (1...3650).contains(days), (1...10_000).contains(unitHours),
            (1...365).contains(deadlineDays), (1...8).contains(quorum)
        else { throw ValidationError("a number is beyond what the model can take") }
    }

    func run() throws {
        var options = FleetOptions()
        options.hosts = hosts
        options.days = days
        options.unitHours = unitHours
        options.deadlineDays = deadlineDays
        options.quorum = quorum
        options.seed = seed
        print(Simulator.fleet(options) { show("\(Int($0)) days") }.text)
    }
}
