import ArgumentParser
import Glibc
import Simulation
import StorageSQLite

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run seeds and hold every invariant.",
        discussion: "A failure is shrunk before it is shown. Exit code 1 when an invariant was broken.")

    @Option(name: .long, help: "For example 1..1000, or one seed.")
    var seeds: Seeds
    @OptionGroup var mix: MixOptions
    @Flag(name: .long, help: "One JSON value a line and seed.")
    var json = false
    @Flag(name: .long, help: "Run every seed twice and compare the traces.")
    var twice = false
    @Flag(name: .long, help: "Keep the server's rows in SQLite (:memory:) instead of the memory twin.")
    var sqlite = false

    func run() throws { try guarded { try sweep() } }

    private func sweep() throws {
        var sweep = SeedSweep(seeds: seeds.range, options: try mix.make())
        sweep.isTwice = twice
        if sqlite { sweep.store = { try SQLiteStore.inMemory() } }
        let asJSON = json
        var done = 0
        let total = try sweep.run { report in
            done += 1
            if asJSON { print(RunLine(report).json) } else if done % 100 == 0 { show("\(done) seeds") }
        }
        for failure in total.failures { show(failure.text) }
        if !asJSON {
            let outcome = total.outcome
            print(
                "\(total.seeds) seeds, \(total.events) events, \(total.calls) calls, "
                    + "\(Int(total.simulatedSeconds / 3600)) simulated hours; units: \(outcome.validated) validated "
                    + "(\(outcome.wrong) of them wrong, where hosts may collude), \(outcome.failed) failed; "
                    + "\(total.failures.count) broken invariants")
        }
        if !total.failures.isEmpty { throw ExitCode.broken }
    }
}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one seed again.",
        discussion: "With --trace every event is a line: seconds, who, what.")

    @Argument(help: "The seed.")
    var seed: UInt64
    @OptionGroup var mix: MixOptions
    @Flag(name: .long, help: "Show every event.")
    var trace = false

    func run() throws { try guarded { try replay() } }

    private func replay() throws {
        let options = try mix.make() ?? .swarm(seed: seed)
        let report = try Simulator.run(seed: seed, options: options, show: trace ? { print($0) } : nil)
        print("options \(report.options.text)")
        print("trace   \(Simulator.hex(report.traceHash)), \(report.events) events, \(Int(report.seconds)) s")
        let outcome = report.outcome
        print(
            "units   \(outcome.validated) validated, \(outcome.failed) failed, \(outcome.open) open, "
                + "\(outcome.tasks) tasks sent")
        guard let violation = report.violation else { return print("every invariant held") }
        print("broken at step \(violation.step): \(violation.checker): \(violation.text)")
        throw ExitCode.broken
    }
}

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure events a second of one core.")

    func run() throws {
        print("events/s  us/event  calls  simulated h  mix")
        for mix in SimBench.mixes {
            let line = try SimBench.run(
                mix, wall: { seconds(CLOCK_MONOTONIC) }, cpu: { seconds(CLOCK_PROCESS_CPUTIME_ID) })
            let each = line.cpuSeconds * 1e6 / Double(max(line.events, 1))
            print(
                "\(Int(line.eventsPerSecond))  \(Double(Int(each * 100)) / 100)  \(line.calls)  "
                    + "\(Int(line.simulatedSeconds / 3600))  \(line.name)")
        }
    }

    private func seconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}

/// Turns what the simulator itself cannot do (a database that cannot be opened) into exit code 70.
func guarded(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch let error as ValidationError {
        throw error
    } catch {
        show("the simulator failed: \(error)")
        throw ExitCode(70)
    }
}

/// To standard error: what a person should see beside the output.
func show(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
