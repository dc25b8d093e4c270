import Glibc

/// The second look, when no peak of the search is too strong to be noise: the strongest are folded with all photons in
/// phase. A pulsar that the first stage shows at 6 sigma stands out there; noise does not.
///
/// Source: Pletsch & Clark, ApJ 795 (2014) 75: semi-coherent first stage, coherent follow-up.
struct FollowUp {
    /// How many sources get a second look.
    static let sourcesMax = 8
    /// The second stage may use up this part of the false-alarm probability; the first stage overstates its own by
    /// more, since it counts all ratios as independent.
    static let share = 0.1

    let fit: CoherentFit
    let frequencyReach: Double

    /// Folds a candidate; nil when there is no memory for the transforms.
    func fold(_ candidate: Candidate, _ derivativeReach: Double, _ photons: Photons, _ zero: Double) -> FoldedCandidate?
    {
        let start = Rotation(frequency: candidate.frequency, derivative: candidate.frequency * candidate.ratio)
        guard
            let rotation = fit.fit(
                around: start, frequencyReach: frequencyReach, derivativeReach: derivativeReach)
        else { return nil }
        let phases = photons.times.map { rotation.phase($0 - zero) }
        return FoldedCandidate(
            rotation: rotation, phases: phases, test: HTest(phases: phases, weights: photons.weights),
            trials: fit.trials(frequencyReach: frequencyReach, derivativeReach: derivativeReach))
    }
}

extension FoldedCandidate {
    /// The probability that noise alone folds to this H anywhere in the second stage, as a probability of the whole
    /// search.
    var falseAlarm: Double {
        let tries = log(trials * Double(FollowUp.sourcesMax) / FollowUp.share)
        return -expm1(-exp(min(50, tries + test.logProbability)))
    }
}
