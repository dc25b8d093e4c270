import Compute
import Glibc

/// Why a candidate is no source of its own.
struct Relation: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        /// The same peak at another derivative ratio.
        case ratio = "other ratio of"
        /// A peak of the window function: gaps in the observation repeat a source at sums of orbital and other rates.
        case sideLobe = "side lobe of"
        case alias = "alias of"
        case harmonic = "harmonic of"
    }

    var kind: Kind
    /// The source's frequency, Hz.
    var source: Double
}

/// Finds for each candidate the stronger one that it belongs to.
struct SourceRelations {
    let pairs: PhotonPairs
    let noise: Double
    let bandWidth: Double
    /// Hz.
    let clusterWidth: Double
    /// Only candidates of at least this strength have side lobes, aliases and harmonics worth looking for.
    let detectionSigma: Double

    /// Side lobes are looked for this close to a source, Hz: a few hundred orbital rates.
    private static let sideLobeReach = 0.05
    /// Numerator and denominator of a ratio of frequencies.
    private static let harmonicMax = 8
    private static let multipleMax = 64.0

    /// - Parameter candidates: strongest first. - Returns: a relation for each, nil for sources of their own.
    func relations(_ candidates: [Candidate]) -> [Relation?] {
        var sources: [Candidate] = []
        // A harmonic has side lobes of its own, so these are looked for round every strong candidate.
        var strong: [Candidate] = []
        var relations: [Relation?] = []
        for candidate in candidates {
            let relation =
                sources.lazy.compactMap { related(candidate, to: $0) }.first
                ?? strong.lazy.compactMap { sideLobe(candidate, of: $0) }.first
            relations.append(relation)
            if relation == nil { sources.append(candidate) }
            if candidate.sigma >= detectionSigma { strong.append(candidate) }
        }
        return relations
    }

    private func sideLobe(_ candidate: Candidate, of source: Candidate) -> Relation? {
        guard source.sigma >= detectionSigma,
            abs(candidate.frequency - source.frequency) < SourceRelations.sideLobeReach, explains(candidate, source)
        else { return nil }
        return Relation(kind: .sideLobe, source: source.frequency)
    }

    private func related(_ candidate: Candidate, to source: Candidate) -> Relation? {
        let distance = candidate.frequency - source.frequency
        if abs(distance) < clusterWidth { return Relation(kind: .ratio, source: source.frequency) }
        guard source.sigma >= detectionSigma else { return nil }
        if let lobe = sideLobe(candidate, of: source) { return lobe }
        if isHarmonic(candidate.frequency, source.frequency) {
            return Relation(kind: .harmonic, source: source.frequency)
        }
        let steps = (distance / bandWidth).rounded()
        if steps != 0, isAlias(distance - steps * bandWidth) { return Relation(kind: .alias, source: source.frequency) }
        return nil
    }

    /// Whether the window function predicts a good part of the candidate's power from the source's.
    private func explains(_ candidate: Candidate, _ source: Candidate) -> Bool {
        let distance = candidate.frequency - source.frequency
        let drift = candidate.frequency * candidate.ratio - source.frequency * source.ratio
        let window = CosineSum.value(
            lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: drift / distance,
            frequency: distance)
        let total = pairs.weights.reduce(0.0) { $0 + Double($1) }
        let predicted = source.sigma * window / total
        return abs(predicted) >= 0.25 * candidate.sigma
    }

    private func isHarmonic(_ frequency: Double, _ source: Double) -> Bool {
        // A sharp pulse has many harmonics. More than these would make a slow source explain every peak.
        let multiple = (frequency / source).rounded()
        if (2...SourceRelations.multipleMax).contains(multiple),
            abs(frequency - multiple * source) < (multiple + 1) * clusterWidth / 4
        {
            return true
        }
        for p in 1...SourceRelations.harmonicMax {
            for q in 1...SourceRelations.harmonicMax where p != q {
                let miss = abs(frequency * Double(q) - source * Double(p))
                if miss < Double(p + q) * clusterWidth / 4 { return true }
            }
        }
        return false
    }

    /// Within the first orbital side lobes of a place that gridding confuses with the source.
    private func isAlias(_ distance: Double) -> Bool { abs(distance) < 2e-4 }
}
