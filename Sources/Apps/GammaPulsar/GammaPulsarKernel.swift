import Bytes
import Compute
import Plugins

/// Crunches one band: a transform and a scan for every ratio of the slice, then the best peaks exactly.
struct GammaPulsarKernel: Kernel {
    let unit: SearchUnit
    private let pairs: PhotonPairs
    private let noise: Double
    private let geometry: BandGeometry
    private let workspace: BandWorkspace
    private var stretched: [Double]
    var state: SearchState

    /// Steps are counted against the budget at this rate, which an old processor reaches.
    private static let nominalFlopsPerSecond = 10e9

    init(unit: Payload, inputs: InputSet, environment: KernelEnvironment) throws(AppError) {
        let search = try SearchUnit(unit)
        let photons = try Photons(inputs)
        let pairs = try PhotonPairs(photons, lagWindow: search.lagWindow, referenceTime: search.referenceTime)
        let geometry = try search.geometry()
        self.unit = search
        self.pairs = pairs
        self.noise = pairs.noise
        self.geometry = geometry
        self.workspace = try BandWorkspace(geometry: geometry, cachePath: environment.cachePath)
        self.stretched = pairs.lags
        self.state = SearchState(search, spacing: geometry.spacing)
    }

    mutating func advance(budgetSeconds: Double) throws(AppError) -> KernelProgress {
        var left = budgetSeconds * GammaPulsarKernel.nominalFlopsPerSecond
        let transformCost = try GammaPulsarSplitter.flopsPerStep(unit, pairs: pairs.lags.count)
        let refineCost = 150 * Double(pairs.lags.count)
        repeat {
            if state.statistics.count < unit.ratios.count {
                searchNextRatio()
                left -= transformCost
            } else if !state.isRefined {
                refineNextHit()
                left -= refineCost
            }
            if state.isRefined { return .done }
        } while left > 0
        return .more(fraction: fraction)
    }

    private var fraction: Double {
        let total = Double(unit.ratios.count)
        let refined = Double(state.nextHit) / Double(max(1, state.hits.items.count))
        return min(0.999, (0.95 * Double(state.statistics.count) + 0.05 * total * refined) / total)
    }

    private mutating func searchNextRatio() {
        let index = state.statistics.count
        pairs.stretchedLags(unit.ratios[index], period: geometry.period, into: &stretched)
        let scanner = workspace.run(
            BandScanner(
                unit: unit, geometry: geometry, kernel: workspace.kernel, ratio: index, noise: noise,
                threshold: state.hits.threshold(wanted: unit.candidatesMax)),
            lags: stretched, weights: pairs.weights, centre: unit.centre)
        state.hits.add(scanner.hits)
        state.statistics.append(scanner.statistics())
    }

    private mutating func refineNextHit() {
        guard state.nextHit < state.hits.items.count else {
            state.isRefined = true
            return
        }
        let hit = state.hits.items[state.nextHit]
        state.nextHit += 1
        // Hits come strongest first; a strength is rarely more than 7 % too low.
        if hit.strength < HitList.accuracy * state.candidates.bar {
            state.isRefined = true
            return
        }
        if state.candidates.covers(hit) { return }
        let refiner = PeakRefiner(pairs: pairs, noise: noise, spacing: geometry.spacing)
        let found = refiner.refine(
            hit.frequency, ratio: unit.ratios[hit.ratio], hopeless: state.candidates.bar)
        if let found, unit.isSearched(found.frequency) { state.candidates.insert(found) }
    }

    func checkpoint() -> [UInt8] { state.encoded() }

    mutating func restore(from checkpoint: [UInt8]) throws(AppError) {
        state = try SearchState(checkpoint, unit: unit, spacing: geometry.spacing)
    }

    func result() throws(AppError) -> Payload {
        guard state.isRefined else { throw .badResult("asked for before the search was done") }
        return SearchResult(candidates: state.candidates.items, statistics: state.statistics).payload()
    }

    var fingerprint: String { "\(Machine.architecture); \(FFTWisdom.libraryVersion); plan \(workspace.effortName)" }
}

/// The part of a kernel that a checkpoint keeps.
struct SearchState: Hashable, Sendable {
    /// One entry for each ratio that is done.
    var statistics: [GridStatistics] = []
    var hits: HitList
    var nextHit = 0
    var candidates: CandidateList
    var isRefined = false

    init(_ unit: SearchUnit, spacing: Double) {
        let width = Candidate.clusterSteps * spacing
        hits = HitList(limit: 256 + 8 * unit.candidatesMax, clusterWidth: width)
        candidates = CandidateList(limit: unit.candidatesMax, clusterWidth: width)
    }
}
