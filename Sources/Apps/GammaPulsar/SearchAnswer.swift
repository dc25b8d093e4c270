import Glibc
import Plugins

/// Everything that the tables and the pictures show.
struct SearchAnswer {
    var context: AppContext
    var parameters: SearchParameters
    var photons: Photons
    var pairs: PhotonPairs
    var model: NoiseModel
    /// Sigma at which the false-alarm probability is the one asked for.
    var threshold: Double
    var referenceTime: Double
    /// Hz.
    var spacing: Double
    /// Strongest first, but for one that was found by the second look.
    var candidates: [RankedCandidate]
    var totals: GridStatistics
    var units: Int
    var ratiosDone: Int
    var pulsar: FoldedCandidate?
    /// Whether the first candidate was found only with all photons in phase.
    var isFollowedUp = false

    /// Whether the strongest candidate is too strong to be noise.
    var isDetection: Bool {
        candidates.first.map { $0.falseAlarm < parameters.detectionProbability } ?? false
    }

    /// Candidates that are sources of their own, detected ones first because they are the strongest.
    var sources: [RankedCandidate] { candidates.filter { $0.relation == nil } }

    var epochText: String {
        guard let zero = parameters.epochMJD else {
            return "mean arrival time (time_s \(NumberText.fixed(referenceTime, 3)))"
        }
        return "MJD \(NumberText.fixed(zero + referenceTime / 86_400, 5)) TDB"
    }

    func tables() -> [Answer.File] {
        [
            Answer.File(name: "candidates.csv", bytes: Array(csv().utf8)),
            Answer.File(name: "summary.json", bytes: Array((json().written() + "\n").utf8)),
        ]
    }

    private func csv() -> String {
        var lines = ["frequency_hz,f1_over_f,power,sigma,false_alarm,band,related_to"]
        for item in candidates {
            let c = item.entry.candidate
            let related = item.relation.map { "\($0.kind.rawValue) \(NumberText.fixed($0.source, 10))" } ?? ""
            lines.append(
                [
                    NumberText.fixed(c.frequency, 10), NumberText.scientific(c.ratio, 6), NumberText.fixed(c.power, 4),
                    NumberText.fixed(c.sigma, 4), NumberText.scientific(item.falseAlarm, 4),
                    "\(NumberText.short(item.entry.bandLow))-\(NumberText.short(item.entry.bandHigh))", related,
                ].joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    func summaryLines() -> [String] {
        guard let best = candidates.first else { return ["no candidate at all: the search found no peak"] }
        let c = best.entry.candidate
        let place = "\(NumberText.fixed(c.frequency, 8)) Hz at \(NumberText.fixed(c.sigma, 2)) sigma"
        var lines: [String] = []
        if isDetection {
            let way = isFollowedUp ? " with all photons in phase" : ""
            lines.append(
                "detection\(way): \(place), false-alarm probability \(NumberText.scientific(best.falseAlarm))")
            if let pulsar {
                lines.append(
                    "folded: f = \(NumberText.fixed(pulsar.rotation.frequency, 11)) Hz, "
                        + "f1 = \(NumberText.scientific(pulsar.rotation.derivative, 4)) Hz/s at \(epochText), "
                        + "H = \(NumberText.fixed(pulsar.test.value, 0))")
            }
            if let next = sources.dropFirst().first {
                let o = next.entry.candidate
                lines.append(
                    "next unrelated peak: \(NumberText.fixed(o.frequency, 6)) Hz at \(NumberText.fixed(o.sigma, 2)) "
                        + "sigma, false-alarm probability \(NumberText.scientific(next.falseAlarm))")
            }
        } else {
            lines.append(
                "no detection: the strongest peak is \(place), false-alarm probability "
                    + "\(NumberText.scientific(best.falseAlarm))")
        }
        lines.append(
            "searched \(NumberText.short(parameters.frequencyMin))-\(NumberText.short(parameters.frequencyMax)) Hz at "
                + "\(parameters.ratios.count) ratios with \(pairs.lags.count) pairs of \(photons.times.count) photons; "
                + "a detection needs \(NumberText.fixed(threshold, 2)) sigma, or a fold that noise does not give")
        return lines
    }

    func json() -> JSONText {
        .object([
            ("project", .text(context.project)),
            ("title", .text(context.title)),
            ("detection", .flag(isDetection)),
            ("detected_by", isDetection ? .text(isFollowedUp ? "coherent fold" : "semi-coherent power") : .null),
            ("winner", candidates.first.map(winner) ?? .null),
            ("next_unrelated", sources.dropFirst().first.map(brief) ?? .null),
            ("detected_sources", .integer(sources.count { $0.falseAlarm < parameters.detectionProbability })),
            ("epoch", epoch()),
            ("search", search()),
            ("noise", noise()),
            ("detection_probability", .number(parameters.detectionProbability)),
            ("detection_sigma", .number(threshold)),
        ])
    }

    private func brief(_ item: RankedCandidate) -> JSONText {
        let c = item.entry.candidate
        return .object([
            ("frequency_hz", .number(c.frequency)), ("f1_over_f", .number(c.ratio)), ("power", .number(c.power)),
            ("sigma", .number(c.sigma)), ("false_alarm", .number(item.falseAlarm)),
        ])
    }

    private func winner(_ item: RankedCandidate) -> JSONText {
        guard case .object(var members) = brief(item) else { return .null }
        if let pulsar {
            members.append(
                (
                    "folded",
                    .object([
                        ("frequency_hz", .number(pulsar.rotation.frequency)),
                        ("f1_hz_per_s", .number(pulsar.rotation.derivative)),
                        ("period_s", .number(1 / pulsar.rotation.frequency)),
                        ("h_test", .number(pulsar.test.value)),
                        ("h_harmonics", .integer(pulsar.test.harmonics)),
                        ("h_log10_probability_single_trial", .number(pulsar.test.logProbability / log(10))),
                    ])
                ))
        }
        return .object(members)
    }

    private func epoch() -> JSONText {
        .object([
            ("time_s", .number(referenceTime)),
            ("mjd_tdb", .optional(parameters.epochMJD.map { $0 + referenceTime / 86_400 })),
            ("meaning", .text("mean arrival time; frequencies and derivatives refer to it")),
        ])
    }

    private func search() -> JSONText {
        .object([
            ("photons", .integer(photons.times.count)),
            ("pairs", .integer(pairs.lags.count)),
            ("lag_window_s", .number(parameters.lagWindow)),
            ("frequency_min_hz", .number(parameters.frequencyMin)),
            ("frequency_max_hz", .number(parameters.frequencyMax)),
            ("searched_hz", .number(parameters.searchedBandWidth)),
            ("frequency_step_hz", .number(spacing)),
            ("ratios", .integer(parameters.ratios.count)),
            ("work_units", .integer(units)),
            ("transforms", .integer(ratiosDone)),
            ("independent_trials", .number(model.independentTrials(lagWindow: parameters.lagWindow))),
        ])
    }

    private func noise() -> JSONText {
        let count = Double(max(1, totals.count))
        let mean = totals.sum / count
        return .object([
            ("sigma_theory", .number(model.noise)),
            ("sigma_measured", .number(model.noise * (totals.sumOfSquares / count - mean * mean).squareRoot())),
            ("mean_measured_in_sigma", .number(mean)),
            ("grid_points", .integer(totals.count)),
            ("gamma_shape", .number(model.shape)),
        ])
    }
}
