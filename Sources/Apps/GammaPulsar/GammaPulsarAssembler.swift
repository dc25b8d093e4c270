import Compute
import Glibc
import Plugins

/// Turns the canonical results into the answer: the list of candidates, the verdict, the pictures.
struct GammaPulsarAssembler: Assembler {
    private let context: AppContext
    private let parameters: SearchParameters
    private let photons: Photons
    private var found: [BandCandidate] = []
    private var totals = GridStatistics(count: 0, sum: 0, sumOfSquares: 0)
    private var units = 0
    private var ratiosDone = 0

    init(context: AppContext) throws(AppError) {
        self.context = context
        parameters = try SearchParameters(context)
        photons = try Photons(context.inputs)
    }

    mutating func add(result: Payload, unit: Payload) throws(AppError) {
        let search = try SearchUnit(unit)
        let found = try SearchResult(result, unit: search)
        self.found += found.candidates.map {
            BandCandidate(candidate: $0, bandLow: search.bandLow, bandHigh: search.searchHigh)
        }
        for entry in found.statistics {
            totals.count += entry.count
            totals.sum += entry.sum
            totals.sumOfSquares += entry.sumOfSquares
        }
        units += 1
        ratiosDone += search.ratios.count
    }

    func finish() throws(AppError) -> Answer {
        let reference = photons.meanTime
        let pairs = try PhotonPairs(photons, lagWindow: parameters.lagWindow, referenceTime: reference)
        let model = NoiseModel(
            photons, pairs, lagWindow: parameters.lagWindow, bandWidth: parameters.searchedBandWidth,
            ratioCount: parameters.ratios.count)
        let threshold = model.threshold(probability: parameters.detectionProbability)
        let sorted = found.sorted { Candidate.precedes($0.candidate, $1.candidate) }
        guard
            let geometry = BandGeometry(
                lagWindow: parameters.lagWindow, bandWidth: parameters.bandWidth, oversampling: 1.1)
        else { throw .badParameter(name: "lag_window_s", "does not fit band_width_hz") }
        let relations = SourceRelations(
            pairs: pairs, noise: model.noise, bandWidth: parameters.bandWidth,
            clusterWidth: Candidate.clusterSteps * geometry.spacing, detectionSigma: threshold
        ).relations(sorted.map(\.candidate))
        var answer = SearchAnswer(
            context: context, parameters: parameters, photons: photons, pairs: pairs, model: model,
            threshold: threshold, referenceTime: reference, spacing: geometry.spacing, candidates: [],
            totals: totals, units: units, ratiosDone: ratiosDone, pulsar: nil)
        for (entry, relation) in zip(sorted, relations) {
            answer.candidates.append(
                RankedCandidate(
                    entry: entry, relation: relation, falseAlarm: model.falseAlarm(sigma: entry.candidate.sigma)))
        }
        fold(&answer)
        return Answer(
            files: answer.tables() + AnswerPlots(answer: answer).files(), summary: answer.summaryLines())
    }

    /// Folds the strongest candidate. When it may be noise, other sources get a second look too, and one that stands
    /// out there comes first.
    private func fold(_ answer: inout SearchAnswer) {
        let followUp = FollowUp(
            fit: CoherentFit(photons, referenceTime: answer.referenceTime), frequencyReach: 2.5 * answer.spacing)
        func folded(_ at: Int) -> FoldedCandidate? {
            let candidate = answer.candidates[at].entry.candidate
            let reach = candidate.frequency * ratioReach(around: candidate.ratio)
            return followUp.fold(candidate, reach, photons, answer.referenceTime)
        }
        guard !answer.candidates.isEmpty else { return }
        answer.pulsar = folded(0)
        if answer.isDetection { return }
        let others = answer.candidates.indices.dropFirst().filter { answer.candidates[$0].relation == nil }
        var best = (at: 0, fold: answer.pulsar)
        for at in others.prefix(FollowUp.sourcesMax - 1) {
            if let fold = folded(at), fold.test.value > best.fold?.test.value ?? 0 { best = (at, fold) }
        }
        guard let fold = best.fold, fold.falseAlarm < parameters.detectionProbability else { return }
        var found = answer.candidates.remove(at: best.at)
        found.falseAlarm = min(found.falseAlarm, fold.falseAlarm)
        answer.candidates.insert(found, at: 0)
        answer.pulsar = fold
        answer.isFollowedUp = true
    }

    /// Somewhat more than half the way to the next ratio of the list; without one, what the lag window can tell apart.
    private func ratioReach(around ratio: Double) -> Double {
        let others = parameters.ratios.filter { $0 != ratio }.map { abs($0 - ratio) }
        let span = photons.times[photons.times.count - 1] - photons.times[0]
        let resolution = 1 / (parameters.frequencyMax * parameters.lagWindow * max(1, span))
        return max(0.6 * (others.min() ?? 0), resolution)
    }
}

/// A candidate with the band it was found in.
struct BandCandidate: Hashable, Sendable {
    var candidate: Candidate
    var bandLow: Double
    var bandHigh: Double
}

/// A candidate with its place in the whole search.
struct RankedCandidate: Hashable, Sendable {
    var entry: BandCandidate
    /// nil: a source of its own, or noise.
    var relation: Relation?
    /// Of the whole search.
    var falseAlarm: Double
}

/// The strongest candidate after the coherent fit.
struct FoldedCandidate: Hashable, Sendable {
    var rotation: Rotation
    /// Of each photon, 0 ..< 1.
    var phases: [Double]
    var test: HTest
    /// Independent rotations that were tried to find this one.
    var trials: Double
}
