import Domain

/// The comparison of two results of one unit.
///
/// The lists hold the strongest peaks, and two honest machines may differ in which peak is the last one. So a candidate
/// that is missing from the other list counts only if it is stronger than the tolerance above what that list had to
/// hold: its weakest entry when it is full, the floor when it is not.
struct ResultComparison {
    let unit: SearchUnit
    /// Hz between frequencies of the grid.
    let spacing: Double
    let tolerance: Tolerance

    /// - Returns: nil when the two are the same answer. Symmetric but for the name of the element.
    func difference(_ a: SearchResult, _ b: SearchResult) -> Difference? {
        missing(a, from: b) ?? missing(b, from: a) ?? sums(a, b)
    }

    /// The first candidate of `a` that `b` should hold too, and does not.
    private func missing(_ a: SearchResult, from b: SearchResult) -> Difference? {
        let bar = entryBar(b)
        for (index, candidate) in a.candidates.enumerated() {
            let name = "candidates[\(index)]"
            let near = b.candidates.filter {
                abs($0.frequency - candidate.frequency) < Candidate.clusterSteps * spacing
            }
            guard let twin = near.min(by: { abs($0.power - candidate.power) < abs($1.power - candidate.power) }) else {
                let surplus = candidate.power - bar
                let allowed = tolerance.around(candidate.power, bar)
                if surplus <= allowed { continue }
                return Difference(element: name, distance: surplus, tolerance: allowed)
            }
            if let wrong = tolerance.difference("\(name).power", candidate.power, twin.power) { return wrong }
            let (claimed, other) = (candidate.sigma * tolerance.noise, twin.sigma * tolerance.noise)
            if let wrong = tolerance.difference("\(name).sigma", claimed, other) { return wrong }
            // Two ratios may fit a slow pulsar equally well; equal powers then name either. A frequency may not move.
            let moved = abs(candidate.frequency - twin.frequency)
            let allowed = 2 * Candidate.frequencyPart * spacing
            if candidate.ratio == twin.ratio, moved > allowed {
                return Difference(element: "\(name).frequency", distance: moved, tolerance: allowed)
            }
        }
        return nil
    }

    /// The least power that had to enter the list.
    private func entryBar(_ result: SearchResult) -> Double {
        guard let weakest = result.candidates.last, result.candidates.count == unit.candidatesMax else {
            return Candidate.floorSigma * tolerance.noise
        }
        return weakest.power
    }

    private func sums(_ a: SearchResult, _ b: SearchResult) -> Difference? {
        for index in a.statistics.indices {
            let one = a.statistics[index]
            let other = b.statistics[index]
            let scale = Double(max(1, one.count))
            if one.count != other.count {
                let distance = Double(abs(one.count - other.count))
                return Difference(element: "grid.count[\(index)]", distance: distance, tolerance: 0)
            }
            let allowed = 1e-3 * scale.squareRoot()
            if abs(one.sum - other.sum) > allowed {
                return Difference(
                    element: "grid.sum[\(index)]", distance: abs(one.sum - other.sum), tolerance: allowed)
            }
            let allowedSquares = 1e-5 * scale
            if abs(one.sumOfSquares - other.sumOfSquares) > allowedSquares {
                return Difference(
                    element: "grid.sum_of_squares[\(index)]",
                    distance: abs(one.sumOfSquares - other.sumOfSquares), tolerance: allowedSquares)
            }
        }
        return nil
    }
}
