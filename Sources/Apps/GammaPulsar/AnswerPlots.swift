import Compute
import Glibc
import Plugins

/// The three pictures of an answer.
struct AnswerPlots {
    let answer: SearchAnswer

    func files() -> [Answer.File] {
        var files = [file("search-overview.svg", overview())]
        guard let best = answer.candidates.first else { return files }
        files.append(file("spectrum.svg", spectrum(best)))
        if let pulsar = answer.pulsar { files.append(file("profile.svg", profile(best, pulsar))) }
        return files
    }

    private func file(_ name: String, _ plot: SVGPlot) -> Answer.File {
        Answer.File(name: name, bytes: Array(plot.document.utf8))
    }

    private var verdict: String {
        answer.isDetection ? "pulsar detected" : "no detection"
    }

    // MARK: every candidate over frequency

    private func overview() -> SVGPlot {
        let parameters = answer.parameters
        let best = answer.candidates.first
        var subtitle = "No candidate."
        if let best {
            let c = best.entry.candidate
            subtitle =
                (answer.isFollowedUp ? "Found by folding: " : "Strongest peak: ")
                + "\(NumberText.fixed(c.frequency, 6)) Hz at \(NumberText.fixed(c.sigma, 1))σ, "
                + "false-alarm probability of the whole search \(AnswerPlots.probability(best.falseAlarm))"
        }
        var plot = SVGPlot(
            width: 1200, height: 640, title: "Blind search: \(verdict)", subtitle: subtitle)
        let top = max(10, (best?.entry.candidate.sigma ?? 0) * 1.08)
        let frame = PlotFrame(
            left: 110, top: 130, width: 1050, height: 410,
            xRange: parameters.frequencyMin...parameters.frequencyMax, yRange: 4...top)
        let line = frame.y(answer.threshold)
        plot.line(frame.left, line, frame.left + frame.width, line, colour: SVGPlot.faint, dashes: "7 5")
        plot.text(
            "detection threshold \(NumberText.fixed(answer.threshold, 1))σ",
            x: frame.left + 8, y: line - 8, size: 16, colour: "#5b6875")
        for item in answer.candidates.reversed() {
            let c = item.entry.candidate
            let strong = item.falseAlarm < parameters.detectionProbability
            // Related at whatever height: a side lobe below the threshold is no noise peak.
            let colour = item.relation != nil ? "#e3a27f" : strong ? SVGPlot.orange : SVGPlot.blue
            plot.dot(x: frame.x(c.frequency), y: frame.y(c.sigma), radius: strong ? 6 : 3, colour: colour)
        }
        frame.draw(on: &plot, xLabel: "trial frequency (Hz)", yLabel: "power (σ)")
        let noise = answer.sources.count { $0.falseAlarm >= parameters.detectionProbability }
        let found = answer.isFollowedUp ? "orange: found by folding · " : "orange: above the threshold · "
        let legend = answer.isDetection ? found + "pale: related to it · " : ""
        plot.text(
            legend + "blue: the \(noise) strongest noise peaks", x: 1160, y: 116, size: 16, colour: "#4b5a69",
            anchor: .end)
        return plot
    }

    // MARK: the spectrum around the strongest peak

    /// What the H of a folded peak says. Tuned on noise it reaches 25 to 40; a weak pulsar stands far above that.
    private func tuning(_ pulsar: FoldedCandidate) -> String {
        if answer.isDetection { return ", f = " }
        return pulsar.test.value > 60
            ? " after tuning f and f1: more than noise gives, worth a longer look; f = "
            : " after tuning f and f1, as noise gives it; f = "
    }

    private func spectrum(_ best: RankedCandidate) -> SVGPlot {
        let c = best.entry.candidate
        let title =
            answer.isDetection
            ? "Power spectrum around \(NumberText.fixed(c.frequency, 7)) Hz"
            : "No detection: spectrum around the strongest peak"
        var plot = SVGPlot(
            width: 1200, height: 640, title: title,
            subtitle: "\(NumberText.fixed(c.sigma, 1))σ, false-alarm probability "
                + "\(AnswerPlots.probability(best.falseAlarm)); \(answer.pairs.lags.count) photon pairs closer than "
                + "\(NumberText.short(answer.parameters.lagWindow)) s")
        let reach = 629 * answer.spacing
        let wide = withPeaks(samples(c, reach: reach, count: 1259), around: c, reach: reach)
        let close = samples(c, reach: 8 * answer.spacing, count: 321)
        let low = ((wide + close).map(\.1).min() ?? 0) * 1.1 - 2
        let range = low...max(10, c.sigma * 1.1)
        let left = PlotFrame(
            left: 110, top: 120, width: 640, height: 420, xRange: -reach * 1e6...reach * 1e6, yRange: range)
        let microhertz = 8 * answer.spacing * 1e6
        let right = PlotFrame(
            left: 850, top: 120, width: 310, height: 420, xRange: -microhertz...microhertz, yRange: range)
        for (frame, points) in [(left, wide), (right, close)] {
            plot.line(frame.left, frame.y(0), frame.left + frame.width, frame.y(0), colour: "#c9d1d9", width: 1)
            let line = frame.y(answer.threshold)
            plot.line(frame.left, line, frame.left + frame.width, line, colour: SVGPlot.faint, dashes: "7 5")
            plot.path(
                points.map { (frame.x($0.0 * 1e6), frame.y($0.1)) }, colour: SVGPlot.blue,
                width: points.count > 1000 ? 1.2 : 2.2)
        }
        plot.text(
            "threshold \(NumberText.fixed(answer.threshold, 1))σ", x: left.left + 8, y: left.y(answer.threshold) - 8,
            size: 16, colour: "#5b6875")
        let centre = NumberText.fixed(c.frequency, 8)
        left.draw(on: &plot, xLabel: "frequency − \(centre) Hz (µHz)", yLabel: "power (σ)")
        right.draw(on: &plot, xLabel: "the peak alone (µHz)", yLabel: "")
        return plot
    }

    /// Adds the tops of the reported peaks, which are narrower than the samples are apart.
    private func withPeaks(
        _ points: [(Double, Double)], around c: Candidate, reach: Double
    ) -> [(Double, Double)] {
        let peaks = answer.candidates.map(\.entry.candidate)
            .map { ($0.frequency - c.frequency, $0.sigma) }
            .filter { abs($0.0) < reach }
        return (points + peaks).sorted { $0 < $1 }
    }

    /// Frequency distance (Hz) and sigma, by the direct sum.
    private func samples(_ c: Candidate, reach: Double, count: Int) -> [(Double, Double)] {
        let pairs = answer.pairs
        return (0..<count).map { index in
            let distance = reach * (2 * Double(index) / Double(count - 1) - 1)
            let sum = CosineSum.value(
                lags: pairs.lags, drifts: pairs.drifts, weights: pairs.weights, stretch: c.ratio,
                frequency: c.frequency + distance)
            return (distance, sum / answer.model.noise)
        }
    }

    // MARK: the folded profile

    private func profile(_ best: RankedCandidate, _ pulsar: FoldedCandidate) -> SVGPlot {
        let bins = 50
        var sums = [Double](repeating: 0, count: bins)
        var squares = sums
        var background = 0.0
        for (phase, weight) in zip(pulsar.phases, answer.photons.weights) {
            let bin = min(bins - 1, Int(phase * Double(bins)))
            sums[bin] += weight
            squares[bin] += weight * weight
            background += weight * (1 - weight) / Double(bins)
        }
        let period = NumberText.fixed(1000 / pulsar.rotation.frequency, 6)
        let title =
            answer.isDetection
            ? "Pulse profile, period \(period) ms"
            : "No detection: the strongest peak, folded"
        var plot = SVGPlot(
            width: 1200, height: 640, title: title,
            subtitle: "H = \(NumberText.fixed(pulsar.test.value, 0))"
                + tuning(pulsar)
                + "\(NumberText.fixed(pulsar.rotation.frequency, 10)) Hz, f1 = "
                + "\(NumberText.scientific(pulsar.rotation.derivative, 3)) Hz/s at \(answer.epochText)")
        let top = zip(sums, squares).map { $0 + $1.squareRoot() }.max() ?? 1
        let frame = PlotFrame(
            left: 120, top: 120, width: 1030, height: 420, xRange: 0...2, yRange: 0...(top * 1.12))
        draw(sums, squares, in: frame, on: &plot)
        let level = frame.y(background)
        plot.line(frame.left, level, frame.left + frame.width, level, colour: SVGPlot.orange, width: 2, dashes: "9 6")
        plot.text(
            "expected background", x: frame.left + frame.width - 8, y: level - 9, size: 16, colour: SVGPlot.orange,
            anchor: .end)
        frame.draw(on: &plot, xLabel: "rotation phase (two turns shown)", yLabel: "weighted photons per bin")
        return plot
    }

    private func draw(_ sums: [Double], _ squares: [Double], in frame: PlotFrame, on plot: inout SVGPlot) {
        let bins = sums.count
        var outline = [(frame.x(0), frame.y(0))]
        for index in 0..<(2 * bins) {
            let value = frame.y(sums[index % bins])
            outline.append((frame.x(Double(index) / Double(bins)), value))
            outline.append((frame.x(Double(index + 1) / Double(bins)), value))
        }
        outline.append((frame.x(2), frame.y(0)))
        plot.path(outline, colour: SVGPlot.blue, width: 2, fill: SVGPlot.band)
        for index in 0..<(2 * bins) {
            let x = frame.x((Double(index) + 0.5) / Double(bins))
            let value = sums[index % bins]
            let error = squares[index % bins].squareRoot()
            plot.line(x, frame.y(value - error), x, frame.y(value + error), colour: SVGPlot.ink, width: 1.5)
        }
    }

    /// A probability for a title.
    private static func probability(_ value: Double) -> String {
        if value < 1e-300 { return "below 1e-300" }
        return value > 0.01 ? NumberText.fixed(value, 2) : NumberText.scientific(value, 2)
    }
}
