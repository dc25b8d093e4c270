/// What running tasks have used of the cores that they occupied, over the last minute.
package struct CPULedger: Sendable {
    private struct Sample {
        var at: Double
        var used: Double
        var occupied: Double
    }

    private var samples: [Sample] = []
    package static let windowSeconds = 60.0
    /// Samples closer to each other than this are one.
    private static let stepSeconds = 0.5

    package init() {}

    /// - Parameters:
    ///   - at: monotonic seconds.
    ///   - usedSeconds: CPU seconds of all tasks so far; never falls.
    ///   - occupiedSeconds: seconds so far in which tasks were to run, of each; never falls.
    package mutating func note(at: Double, usedSeconds: Double, occupiedSeconds: Double) {
        let sample = Sample(at: at, used: usedSeconds, occupied: occupiedSeconds)
        if samples.count > 1, at - samples[samples.count - 2].at < Self.stepSeconds {
            samples[samples.count - 1] = sample
        } else {
            samples.append(sample)
        }
        // One at the window's edge or beyond it stays, to measure from.
        while samples.count > 2, at - samples[1].at >= Self.windowSeconds { samples.removeFirst() }
    }

    /// Percent of the occupied cores, and the seconds over which it was measured; nil before a task ran for a second.
    package var measured: (percent: Double, seconds: Double)? {
        guard let first = samples.first, let last = samples.last, last.occupied - first.occupied >= 1 else {
            return nil
        }
        return (100 * (last.used - first.used) / (last.occupied - first.occupied), last.at - first.at)
    }
}
