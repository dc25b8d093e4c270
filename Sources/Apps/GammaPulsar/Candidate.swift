import Compute

/// A peak of the spectrum, as the work unit reports it: refined with the exact sum over pairs.
struct Candidate: Hashable, Sendable {
    /// Hz, at the reference time.
    var frequency: Double
    /// f1/f, 1/s.
    var ratio: Double
    /// Σ W cos(2π f lag).
    var power: Double
    /// The power in units of the noise.
    var sigma: Double

    /// The order of lists: strongest first, ties by frequency and ratio.
    static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
        (b.power, a.frequency, a.ratio) < (a.power, b.frequency, b.ratio)
    }

    /// Peaks below this are not worth reporting, in units of the noise: a search has hundreds of them in noise alone.
    static let floorSigma = 4.75
    /// Peaks closer than this many steps of the grid, at whatever ratio, are one candidate.
    static let clusterSteps = 8.0
    /// A reported frequency lies within this part of a grid step of the top of its peak.
    static let frequencyPart = 0.02
}

/// Moves a hit to the top of its peak by Newton's method on the exact sum.
struct PeakRefiner {
    let pairs: PhotonPairs
    let noise: Double
    let spacing: Double

    /// - Parameter hopeless: in units of the noise; a peak that is seen not to reach it is given up early.
    /// - Returns: nil when the hit leads to no maximum nearby, or to one below `hopeless`.
    func refine(_ frequency: Double, ratio: Double, hopeless: Double) -> Candidate? {
        // Most hits that come here are just too weak: the plain sum shows it in half the time. A hit lies within a
        // tenth of a step of its top, where 2 % of the power are lost.
        let glance = CosineSum.value(
            lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: ratio, frequency: frequency)
        if glance < 0.95 * hopeless * noise { return nil }
        var at = frequency
        for _ in 0..<12 {
            let sum = CosineSum(
                lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: ratio, frequency: at)
            if let step = sum.stepToMaximum, abs(step) < 0.4 * spacing {
                let top = sum.maximum / noise
                if top < 0.97 * hopeless { return nil }
                at += step
                if abs(step) < 2e-4 * spacing { return settled(at, ratio: ratio) }
            } else {
                at += sum.slope > 0 ? 0.2 * spacing : -0.2 * spacing
            }
            if abs(at - frequency) > 1.5 * spacing { return nil }
        }
        return nil
    }

    /// Rounds to a fine lattice and sums there once more, so that machines whose transforms led here from slightly
    /// different sides report the same bits. Newton's last step leaves an error far below the lattice.
    private func settled(_ frequency: Double, ratio: Double) -> Candidate {
        let lattice = spacing / 8192
        let rounded = (frequency / lattice).rounded() * lattice
        let power = CosineSum.value(
            lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: ratio, frequency: rounded)
        return Candidate(frequency: rounded, ratio: ratio, power: power, sigma: power / noise)
    }
}

/// The best candidates of a unit, at most one to a cluster, strongest first.
struct CandidateList: Hashable, Sendable {
    let limit: Int
    /// Hz.
    let clusterWidth: Double
    private(set) var items: [Candidate] = []

    init(limit: Int, clusterWidth: Double) {
        self.limit = limit
        self.clusterWidth = clusterWidth
    }

    /// What a new candidate must exceed, in units of the noise.
    var bar: Double { items.count < limit ? Candidate.floorSigma : max(Candidate.floorSigma, items[limit - 1].sigma) }

    mutating func insert(_ candidate: Candidate) {
        guard candidate.sigma >= Candidate.floorSigma else { return }
        if let near = items.firstIndex(where: { abs($0.frequency - candidate.frequency) < clusterWidth }) {
            guard Candidate.precedes(candidate, items[near]) else { return }
            items.removeAll { abs($0.frequency - candidate.frequency) < clusterWidth }
        }
        let place = items.firstIndex { Candidate.precedes(candidate, $0) } ?? items.count
        items.insert(candidate, at: place)
        if items.count > limit { items.removeLast(items.count - limit) }
    }

    /// Whether a hit of this strength could only be a weaker sight of a candidate that is here already.
    func covers(_ hit: PeakHit) -> Bool {
        items.contains { abs($0.frequency - hit.frequency) < clusterWidth && $0.sigma >= hit.strength }
    }
}
