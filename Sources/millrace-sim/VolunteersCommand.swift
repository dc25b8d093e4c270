import ArgumentParser
import Simulation

struct Volunteers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deadlines missed, work over-fetched and cores left idle, by hosts with the habits of people.",
        discussion: """
            The scheduling of ClientCore and the server's scheduler, beside a client that looks at neither habits nor
            deadlines; docs/simulator.md describes the model.

            Example:
              millrace-sim volunteers --hosts 500 --weeks 2

            Exit code 1 when a host held more than its buffer and a task for each core, or one that computes for an hour
            a day got a task of a day.
            """)

    @Option(name: .long, help: "Hosts, in equal parts of each habit.")
    var hosts = 500
    @Option(name: .long, help: "Simulated weeks.")
    var weeks = 2
    @Option(name: .long, help: "Hours of work that a host holds for each core.")
    var bufferHours = 2.0
    @Option(name: .long, help: "The seed.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...100_000).contains(hosts), (1...520).contains(weeks), (0...168).contains(bufferHours) else {
            throw ValidationError("a number is beyond what the model can take")
        }
    }

    func run() throws {
        var options = VolunteersOptions()
        options.hosts = hosts
        options.weeks = weeks
        options.bufferHours = bufferHours
        options.seed = seed
        let report = Simulator.volunteers(options)
        print(report.text)
        if !report.broken.isEmpty { throw ExitCode.broken }
    }
}
