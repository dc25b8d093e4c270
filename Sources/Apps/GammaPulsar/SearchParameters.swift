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

    /// - Throws: every fault at once, see `AppError.joined`.
    init(_ context: AppContext) throws(AppError) {
        let (parameters, faults) = Self.read(context)
        if let error = AppError.joined(faults) { throw error }
        self = parameters
    }

    /// The parameters as far as they can be read, and everything that is wrong with them: for a caller that has more to
    /// check and wants to report all of it.
    static func read(_ context: AppContext) -> (parameters: SearchParameters, faults: [AppError]) {
        var reader = ParameterValues(values: context.parameters)
        let parameters = SearchParameters(&reader)
        return (parameters, reader.faults + parameters.faults(but: reader.unread))
    }

    private init(_ values: inout ParameterValues) {
        frequencyMin = values.real("frequency_min_hz", default: 0)
        frequencyMax = values.real("frequency_max_hz", default: 256)
        bandWidth = values.real("band_width_hz", default: 8)
        lagWindow = values.real("lag_window_s", default: 524_288)
        veto = values.real("veto_hz", default: 0.05)
        detectionProbability = values.real("detection_probability", default: 1e-3)
        let epoch = values.real("epoch_mjd", default: 0)
        epochMJD = epoch > 0 ? epoch : nil
        let wanted = values.real("candidates", default: 20)
        candidates = wanted >= 1 && wanted <= 1e6 ? Int(wanted) : 0
        ratios = values.reals("f1_over_f", default: [0])
    }

    /// What the rules between parameters, and those of each one, refuse.
    ///
    /// - Parameter unread: parameters whose value is not known; what depends on them is not judged.
    private func faults(but unread: Set<String>) -> [AppError] {
        var faults: [AppError] = []
        func rule(_ names: [String], _ holds: Bool, _ why: String, _ expected: String) {
            guard !holds, unread.isDisjoint(with: names) else { return }
            faults.append(.badParameter(name: names[0], "\(why); expected: \(expected)"))
        }
        let edges = ["frequency_max_hz", "frequency_min_hz"]
        let isSpan = frequencyMin >= 0 && frequencyMax > frequencyMin
        rule(
            edges, isSpan, "\(frequencyMax) Hz does not lie above frequency_min_hz, \(frequencyMin) Hz",
            "more than frequency_min_hz, which is at least 0")
        rule(
            ["band_width_hz"] + edges, !isSpan || bandWidth > 0 && (frequencyMax - frequencyMin) / bandWidth <= 1e6,
            "more than a million bands lie between frequency_min_hz and frequency_max_hz", "a wider band")
        let cells = lagWindow * bandWidth
        rule(
            ["lag_window_s", "band_width_hz"], cells >= Self.cellsMin && cells <= Self.cellsMax,
            "times band_width_hz it is \(cells)",
            "a product of 512 to 16777216, which bounds the memory of a task")
        rule(
            ["veto_hz", "band_width_hz"], veto >= 0 && veto < bandWidth / 2,
            "\(veto) Hz is not below half of band_width_hz, \(bandWidth) Hz", "0 to below half of band_width_hz")
        rule(
            ["f1_over_f"], !ratios.isEmpty && ratios.count <= Self.ratiosMax, "\(ratios.count) ratios are listed",
            "1 to \(Self.ratiosMax) ratios")
        rule(["f1_over_f"], Set(ratios).count == ratios.count, "a ratio is listed twice", "each ratio once")
        rule(
            ["candidates"], (1...SearchUnit.candidatesLimit).contains(candidates), "the number is out of range",
            "1 to \(SearchUnit.candidatesLimit)")
        rule(
            ["detection_probability"], detectionProbability > 0 && detectionProbability < 1,
            "\(detectionProbability) is out of range", "above 0 and below 1")
        return faults
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
}

/// Reads the values of parameters; what has the wrong type is noted, and the default taken.
private struct ParameterValues {
    let values: [String: ParameterValue]
    private(set) var faults: [AppError] = []
    private(set) var unread: Set<String> = []

    init(values: [String: ParameterValue]) {
        self.values = values
    }

    mutating func real(_ name: String, default fallback: Double) -> Double {
        switch values[name] {
        case .none: return fallback
        case .integer(let value): return Double(value)
        case .real(let value) where value.isFinite: return value
        default: return refused(name, "a number", fallback)
        }
    }

    mutating func reals(_ name: String, default fallback: [Double]) -> [Double] {
        switch values[name] {
        case .none: return fallback
        case .integer(let value): return [Double(value)]
        case .real(let value) where value.isFinite: return [value]
        case .reals(let list) where list.allSatisfy(\.isFinite): return list.map { $0 + 0 }
        default: return refused(name, "a list of numbers", fallback)
        }
    }

    private mutating func refused<T>(_ name: String, _ expected: String, _ fallback: T) -> T {
        faults.append(.badParameter(name: name, "the value has another type; expected: \(expected)"))
        unread.insert(name)
        return fallback
    }
}
