/// Makes a failing run smaller while the same checker goes on failing: fewer hosts, fewer units, fewer kinds of faults,
/// an earlier end.
public struct Shrinker {
    /// How often a run is tried.
    public var triesMax = 200
    public private(set) var tries = 0

    public init() {}

    /// - Returns: the smallest failing run found; the given one when nothing smaller fails.
    public mutating func shrink(_ report: RunReport) throws -> RunReport {
        guard let checker = report.violation?.checker else { return report }
        var best = report
        var progress = true
        while progress, tries < triesMax {
            progress = false
            for smaller in candidates(best.options) where tries < triesMax {
                tries += 1
                let tried = try Shrinker.run(report.seed, smaller, checker)
                guard let violation = tried.violation, violation.checker == checker else { continue }
                best = tried
                progress = true
                break
            }
        }
        // Nothing after the violation matters.
        if let step = best.violation?.step, checker != "ending", checker != "trace" { best.options.lastStep = step + 1 }
        return best
    }

    private static func run(_ seed: UInt64, _ options: SimOptions, _ checker: String) throws -> RunReport {
        checker == "trace"
            ? try Simulator.runTwice(seed: seed, options: options) : try Simulator.run(seed: seed, options: options)
    }

    /// Smaller options, the boldest steps first.
    private func candidates(_ options: SimOptions) -> [SimOptions] {
        var found: [SimOptions] = []
        func add(_ change: (inout SimOptions) -> Void) {
            var smaller = options
            change(&smaller)
            if smaller != options, smaller.hosts > 0 { found.append(smaller) }
        }
        if options.faults.count > 1 { add { $0.faults = [] } }
        for kind in PopulationKind.allCases where options[kind] > 0 { add { $0[kind] = 0 } }
        if options.units > 1 {
            add { $0.units = 1 }
            add { $0.units /= 2 }
            add { $0.units -= 1 }
        }
        for kind in ChaosKind.allCases where options.faults.contains(kind) { add { $0.faults.remove(kind) } }
        for kind in PopulationKind.allCases where options[kind] > 1 {
            add { $0[kind] /= 2 }
            add { $0[kind] -= 1 }
        }
        if options.faultSeconds > 60 { add { $0.faultSeconds /= 2 } }
        if options.isThorough { add { $0.isThorough = false } }
        return found
    }
}
