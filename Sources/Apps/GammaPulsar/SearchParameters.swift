import Domain
import Plugins

/// The scientist's parameters, checked against each other.
struct SearchParameters: Hashable, Sendable {
    var frequencyMin: Double
    var frequencyMax: Double
    var bandWidth: Double
    var lagWindow: Double
    var ratios: [Double]
    var candidates: Int
    var veto: Double
    var detectionProbability: Double
    /// MJD of the table's zero; nil when the scientist did not say.
    var epochMJD: Double?

    static let ratiosMax = 100_000
    /// Lags times bandwidth: what fits into the memory of a volunteer's machine (200 MB).
    static let cellsMax = 16_777_216.0
    static let cellsMin = 512.0

    init(_ context: AppContext) throws(AppError) {
        let values = context.parameters
        frequencyMin = try Self.real(values, "frequency_min_hz", default: 0)
        frequencyMax = try Self.real(values, "frequency_max_hz", default: 256)
        bandWidth = try Self.real(values, "band_width_hz", default: 8)
        lagWindow = try Self.real(values, "lag_window_s", default: 524_288)
        veto = try Self.real(values, "veto_hz", default: 0.05)
        detectionProbability = try Self.real(values, "detection_probability", default: 1e-3)
        let epoch = try Self.real(values, "epoch_mjd", default: 0)
        epochMJD = epoch > 0 ? epoch : nil
        let wanted = try Self.real(values, "candidates", default: 20)
        candidates = wanted >= 1 && wanted <= 1e6 ? Int(wanted) : 0
        ratios = try Self.reals(values, "f1_over_f", default: [0])
        try check()
    }

    private func check() throws(AppError) {
        guard frequencyMin >= 0, frequencyMax > frequencyMin else {
            throw .badParameter(name: "frequency_max_hz", "must lie above frequency_min_hz")
        }
        guard bandWidth > 0, (frequencyMax - frequencyMin) / bandWidth <= 1e6 else {
            throw .badParameter(name: "band_width_hz", "makes more than a million bands")
        }
        guard lagWindow * bandWidth >= Self.cellsMin, lagWindow * bandWidth <= Self.cellsMax else {
            throw .badParameter(
                name: "lag_window_s", "times band_width_hz must lie between 512 and 16777216 (memory of a task)")
        }
        guard veto >= 0, veto < bandWidth / 2 else {
            throw .badParameter(name: "veto_hz", "must be below half of band_width_hz")
        }
        guard !ratios.isEmpty, ratios.count <= Self.ratiosMax else {
            throw .badParameter(name: "f1_over_f", "must list 1 to \(Self.ratiosMax) ratios")
        }
        guard Set(ratios).count == ratios.count else {
            throw .badParameter(name: "f1_over_f", "lists a ratio twice")
        }
        guard (1...SearchUnit.candidatesLimit).contains(candidates) else {
            throw .badParameter(name: "candidates", "must lie between 1 and \(SearchUnit.candidatesLimit)")
        }
        guard detectionProbability > 0, detectionProbability < 1 else {
            throw .badParameter(name: "detection_probability", "must lie between 0 and 1")
        }
    }

    /// Bands of `bandWidth` from `frequencyMin` on; the last one may reach beyond `frequencyMax`, but nothing is
    /// searched there.
    var bandCount: Int {
        let exact = (frequencyMax - frequencyMin) / bandWidth
        return max(1, Int((exact - 1e-9).rounded(.up)))
    }

    /// Hz that are searched: everything from `frequencyMin` to `frequencyMax` but the vetoed.
    var searchedBandWidth: Double {
        var total = frequencyMax - frequencyMin
        var line = (frequencyMin / bandWidth).rounded(.down) * bandWidth
        while line <= frequencyMax + bandWidth {
            total -= max(0, min(frequencyMax, line + veto) - max(frequencyMin, line - veto))
            line += bandWidth
        }
        return max(total, 0)
    }

    private static func real(
        _ values: [String: ParameterValue], _ name: String, default fallback: Double
    ) throws(AppError) -> Double {
        switch values[name] {
        case .none: return fallback
        case .integer(let value): return Double(value)
        case .real(let value) where value.isFinite: return value
        default: throw .badParameter(name: name, "must be a number")
        }
    }

    private static func reals(
        _ values: [String: ParameterValue], _ name: String, default fallback: [Double]
    ) throws(AppError) -> [Double] {
        switch values[name] {
        case .none: return fallback
        case .integer(let value): return [Double(value)]
        case .real(let value) where value.isFinite: return [value]
        case .reals(let list) where list.allSatisfy(\.isFinite): return list.map { $0 + 0 }
        default: throw .badParameter(name: name, "must be a list of numbers")
        }
    }
}
