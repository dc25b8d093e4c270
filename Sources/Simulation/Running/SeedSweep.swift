import Storage

/// Many seeds, one after the other.
public struct SeedSweep {
    public var seeds: ClosedRange<UInt64>
    /// nil: swarm mode, the options come from each seed.
    public var options: SimOptions?
    /// Every seed twice, and the traces compared.
    public var isTwice = false
    /// What the servers keep their rows in.
    public var store: () throws -> any Store = { MemoryStore() }

    public init(seeds: ClosedRange<UInt64>, options: SimOptions?) {
        self.seeds = seeds
        self.options = options
    }

    /// What all seeds together did.
    public struct Total: Hashable, Sendable {
        public var seeds = 0
        public var events = 0
        public var calls = 0
        public var simulatedSeconds = 0.0
        public var outcome = RunOutcome()
        /// The failures, made small.
        public var failures: [Failure] = []
    }

    /// A seed that broke an invariant.
    public struct Failure: Hashable, Sendable {
        public var found: RunReport
        public var smallest: RunReport

        public init(found: RunReport, smallest: RunReport) {
            self.found = found
            self.smallest = smallest
        }

        /// What a person needs to see it again, four lines.
        public var text: String {
            let violation = smallest.violation
            return """
                seed \(found.seed) breaks "\(violation?.checker ?? "")": \(violation?.text ?? "")
                  found at step \(found.violation?.step ?? 0) with: \(found.options.text)
                  smallest, at step \(violation?.step ?? 0): \(smallest.options.text)
                  again: millrace-sim replay \(found.seed) --trace --options '\(smallest.options.text)'
                """
        }
    }

    /// - Parameter failuresMax: after so many the sweep ends.
    /// - Parameter done: told every report as it comes.
    public func run(failuresMax: Int = 5, done: (RunReport) -> Void = { _ in }) throws -> Total {
        var total = Total()
        for seed in seeds {
            let options = options ?? .swarm(seed: seed)
            let report =
                try isTwice
                ? Simulator.runTwice(seed: seed, options: options)
                : Simulator.run(seed: seed, options: options, store: store)
            total.add(report)
            done(report)
            guard report.violation != nil else { continue }
            var shrinker = Shrinker()
            total.failures.append(Failure(found: report, smallest: try shrinker.shrink(report)))
            if total.failures.count >= failuresMax { break }
        }
        return total
    }
}

extension SeedSweep.Total {
    mutating func add(_ report: RunReport) {
        seeds += 1
        events += report.events
        calls += report.calls
        simulatedSeconds += report.seconds
        outcome.validated += report.outcome.validated
        outcome.failed += report.outcome.failed
        outcome.open += report.outcome.open
        outcome.wrong += report.outcome.wrong
        outcome.tasks += report.outcome.tasks
    }
}
