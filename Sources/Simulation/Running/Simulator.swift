import Domain
import Storage

/// How a run went.
public struct RunReport: Hashable, Sendable {
    public var seed: UInt64
    public var options: SimOptions
    /// FNV-1a over all that happened.
    public var traceHash: UInt64
    public var events: Int
    /// Simulated seconds.
    public var seconds: Double
    public var violation: Violation?
    public var outcome: RunOutcome
    /// Requests to the scheduler that the server was asked, replays and doubles included.
    public var calls: Int
}

/// The simulator: runs of real cores between simulated edges, each determined by its seed and its options.
public enum Simulator {
    /// Runs once.
    ///
    /// - Parameter store: makes the store that the server writes to; `MemoryStore` by default.
    /// - Parameter show: called with a line for every entry of the trace; nil: no text is made, which is ten times as
    ///   fast.
    /// - Throws: what a store says that cannot be opened.
    public static func run(
        seed: UInt64, options: SimOptions, store: () throws -> any Store = { MemoryStore() },
        show: ((String) -> Void)? = nil
    ) throws -> RunReport {
        let world = try World(seed: seed, options: options, store: try store(), show: show)
        world.run()
        return RunReport(
            seed: seed, options: options, traceHash: world.traceHash, events: world.step,
            seconds: Double(world.now) / 1000, violation: world.violation, outcome: world.outcome(),
            calls: world.hosts.reduce(0) { $0 + $1.callsMade })
    }

    /// Runs twice and compares the traces, beside everything that one run checks.
    public static func runTwice(seed: UInt64, options: SimOptions) throws -> RunReport {
        var report = try run(seed: seed, options: options)
        let again = try run(seed: seed, options: options)
        if report.violation == nil, again.traceHash != report.traceHash {
            report.violation = Violation(
                checker: "trace",
                text: "the same seed gave the traces \(hex(report.traceHash)) and \(hex(again.traceHash))",
                step: report.events, seconds: report.seconds)
        }
        return report
    }

    /// What a violation may name; the checker of traces apart, which compares runs.
    public static var checkerNames: [String] { Checkers.all(SimOptions()).map(\.name) + ["trace"] }

    /// 16 hexadecimal digits.
    public static func hex(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
