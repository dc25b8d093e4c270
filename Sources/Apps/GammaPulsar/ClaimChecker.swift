import Compute
import Domain
import Glibc

/// The check of a single result.
struct ClaimChecker {
    let unit: SearchUnit
    let claim: SearchResult
    let pairs: PhotonPairs
    let geometry: BandGeometry
    let tolerance: Tolerance

    /// What makes it no result of this unit at all: order, band, veto, ratios, counts.
    func brokenRule() -> String? {
        for (index, candidate) in claim.candidates.enumerated() {
            guard unit.isSearched(candidate.frequency) else {
                return "candidates[\(index)].frequency \(candidate.frequency) Hz lies outside of the unit's band"
            }
            guard unit.ratios.contains(candidate.ratio) else {
                return "candidates[\(index)].ratio \(candidate.ratio) is none of the unit's ratios"
            }
            guard candidate.sigma >= Candidate.floorSigma else {
                return "candidates[\(index)].sigma \(candidate.sigma) is below \(Candidate.floorSigma)"
            }
            if index > 0, candidate.power > claim.candidates[index - 1].power {
                return "candidates[\(index)] is stronger than the one before it"
            }
            let width = Candidate.clusterSteps * geometry.spacing
            if claim.candidates[..<index].contains(where: { abs($0.frequency - candidate.frequency) < width }) {
                return "candidates[\(index)] repeats an earlier one"
            }
        }
        let points = GridStatistics.lanes(unit, geometry).reduce(0) { $0 + $1.count } * 2 * geometry.rows
        for (index, entry) in claim.statistics.enumerated() where entry.count != points {
            return "grid.count[\(index)] is \(entry.count), expected \(points)"
        }
        return nil
    }

    /// The first claim that is not true.
    func falseClaim(challenge: UInt64) -> (Difference, String)? {
        let noise = pairs.noise
        for (index, candidate) in claim.candidates.enumerated() {
            if let wrong = falsePower(index, candidate, noise) { return wrong }
        }
        let count = UInt64(claim.candidates.count)
        for index in count == 0 ? [] : Set([0, Int(challenge % count)]).sorted() {
            if let wrong = falseFrequency(index, claim.candidates[index]) { return wrong }
        }
        return falseSquares() ?? falseSum(Int(challenge % UInt64(claim.statistics.count)))
    }

    private func falsePower(_ index: Int, _ candidate: Candidate, _ noise: Double) -> (Difference, String)? {
        let sum = CosineSum.value(
            lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: candidate.ratio,
            frequency: candidate.frequency)
        let name = "candidates[\(index)]"
        let found = NumberText.fixed(sum / noise, 3)
        if let wrong = tolerance.difference("\(name).power", candidate.power, sum) {
            let claimed = NumberText.fixed(candidate.power / noise, 3)
            return (wrong, "\(name): claimed power of \(claimed) sigma recomputed as \(found)")
        }
        if let wrong = tolerance.difference("\(name).sigma", candidate.sigma * noise, sum) {
            return (wrong, "\(name): claimed sigma \(NumberText.fixed(candidate.sigma, 3)) recomputed as \(found)")
        }
        return nil
    }

    /// A true power beside the top of its peak is not what the unit asked for.
    private func falseFrequency(_ index: Int, _ candidate: Candidate) -> (Difference, String)? {
        let sum = CosineSum(
            lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: candidate.ratio,
            frequency: candidate.frequency)
        let allowed = Candidate.frequencyPart * geometry.spacing
        let step = abs(sum.stepToMaximum ?? geometry.spacing)
        guard step > allowed else { return nil }
        let name = "candidates[\(index)].frequency"
        return (
            Difference(element: name, distance: step, tolerance: allowed), "\(name) is not the top of a peak"
        )
    }

    /// Noise has a mean square that the photons tell; every candidate and its side lobes may add some.
    private func falseSquares() -> (Difference, String)? {
        let strong = claim.candidates.reduce(0) { $0 + $1.sigma * $1.sigma }
        // A sum over all pairs, once and not for each ratio.
        let meanSquare = pairs.meanSquare
        for (index, entry) in claim.statistics.enumerated() where entry.count > 0 {
            let count = Double(entry.count)
            let expected = count * meanSquare
            let allowed = 0.02 * expected + 12 * (2.2 * count).squareRoot() + 8 * strong
            let distance = abs(entry.sumOfSquares - expected)
            if distance > allowed {
                let name = "grid.sum_of_squares[\(index)]"
                return (
                    Difference(element: name, distance: distance, tolerance: allowed),
                    "\(name): \(NumberText.scientific(entry.sumOfSquares)) is not the "
                        + "\(NumberText.scientific(expected)) of noise"
                )
            }
        }
        return nil
    }

    /// The grid's sum of powers against its closed form.
    private func falseSum(_ index: Int) -> (Difference, String)? {
        let exact = GridStatistics.exactSum(pairs, ratio: unit.ratios[index], unit: unit, geometry: geometry)
        let claimed = claim.statistics[index].sum
        // The scan takes one gain for all frequencies of a lane; lanes are wide when a band has few of them.
        let part = 0.02 + 2 / Double(geometry.halfLanes)
        let allowed = part * Double(max(1, exact.count)).squareRoot() + 1e-3 * abs(exact.sum)
        let distance = abs(claimed - exact.sum)
        guard distance > allowed else { return nil }
        let name = "grid.sum[\(index)]"
        return (
            Difference(element: name, distance: distance, tolerance: allowed),
            "\(name): \(NumberText.fixed(claimed, 2)) recomputed as \(NumberText.fixed(exact.sum, 2))"
        )
    }
}
