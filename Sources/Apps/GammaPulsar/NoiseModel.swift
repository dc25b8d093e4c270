import Glibc

/// What the search finds when there is no pulsar: the distribution of powers, and how often noise alone reaches one.
///
/// A power is a sum over many pairs of few photons each, not normal: its upper tail is heavier. Its variance is
/// ΣW²/2; its third cumulant comes from triangles of photons, whose three pairs stay in step:
/// 3/2 · Σ W_ij W_jk W_ik. A gamma distribution with these two moments describes it; its shape is 4 / skewness².
///
/// Between two grid points a peak can be higher than on either, and the search finds its top. So trials are not
/// counted as grid points: the expected number of peaks above u over a range of frequencies is Rice's formula,
/// density(u) · lagRMS · sqrt(2π · (1 + u/√shape)) per Hz. All ratios count as independent, which overstates it.
/// Sources: Rice, "Mathematical analysis of random noise", Bell System Tech. J. 24 (1945), section 3.3; Adler, "The
/// geometry of random fields" (1981), chapter 7 (gamma fields).
struct NoiseModel: Hashable, Sendable {
    /// sqrt(ΣW²/2): standard deviation of a power.
    var noise: Double
    /// Of the gamma distribution.
    var shape: Double
    /// Root of the mean squared lag, weighted by W², seconds.
    var lagRMS: Double
    /// Hz.
    var bandWidth: Double
    var ratioCount: Int

    init(_ photons: Photons, _ pairs: PhotonPairs, lagWindow: Double, bandWidth: Double, ratioCount: Int) {
        var squares = 0.0
        var lagSquares = 0.0
        for index in pairs.lags.indices {
            let square = Double(pairs.weights[index]) * Double(pairs.weights[index])
            squares += square
            lagSquares += square * pairs.lags[index] * pairs.lags[index]
        }
        noise = (squares / 2).squareRoot()
        lagRMS = (lagSquares / squares).squareRoot()
        let skewness = 1.5 * NoiseModel.triangles(photons, lagWindow: lagWindow) / (noise * noise * noise)
        shape = skewness > 0 ? min(1e9, 4 / (skewness * skewness)) : 1e9
        self.bandWidth = bandWidth
        self.ratioCount = ratioCount
    }

    /// Σ W_ij W_jk W_ik over all triples of photons within the lag window: (w_i w_j w_k)², in linear time by sliding
    /// sums of the squares.
    static func triangles(_ photons: Photons, lagWindow: Double) -> Double {
        let squares = photons.weights.map { $0 * $0 }
        var prefix = [0.0]
        var prefixSquares = [0.0]
        for value in squares {
            prefix.append(prefix[prefix.count - 1] + value)
            prefixSquares.append(prefixSquares[prefixSquares.count - 1] + value * value)
        }
        var total = 0.0
        for (first, end) in photons.ends(within: lagWindow).enumerated() {
            let sum = prefix[end] - prefix[first + 1]
            let sumSquares = prefixSquares[end] - prefixSquares[first + 1]
            total += squares[first] * (sum * sum - sumSquares) / 2
        }
        return total
    }

    /// Hz times ratios times twice the lag window: how many independent powers a search has, for people.
    func independentTrials(lagWindow: Double) -> Double {
        2 * lagWindow * bandWidth * Double(ratioCount)
    }

    /// The probability that noise alone gives a peak of this height or more anywhere in the whole search.
    func falseAlarm(sigma: Double) -> Double {
        -expm1(-expectedPeaks(above: sigma))
    }

    /// How many peaks of at least this height the whole search has in noise alone, on average.
    func expectedPeaks(above sigma: Double) -> Double {
        let stretch = 1 + sigma / shape.squareRoot()
        guard stretch > 0 else { return .infinity }
        let perHertz = density(sigma) * lagRMS * (2 * Double.pi * stretch).squareRoot()
        return perHertz * bandWidth * Double(ratioCount)
    }

    /// Density of a power in units of the noise: a gamma distribution with mean 0 and variance 1.
    func density(_ sigma: Double) -> Double {
        let root = shape.squareRoot()
        let relative = sigma / root
        guard relative > -1 else { return 0 }
        if shape > 1e6 { return exp(-0.5 * sigma * sigma) / (2 * Double.pi).squareRoot() }
        // x^(k-1) e^-x / Γ(k) at x = k (1 + relative), with Stirling's series for Γ: no overflow, no cancellation.
        let exponent = shape * (log1p(relative) - relative) - log1p(relative)
        let stirling = 1 / (12 * shape) - 1 / (360 * shape * shape * shape)
        return exp(exponent - stirling) / (2 * Double.pi).squareRoot()
    }

    /// The height whose false-alarm probability is `probability`, by bisection.
    func threshold(probability: Double) -> Double {
        var low = 1.0
        var high = 1000.0
        for _ in 0..<200 {
            let middle = 0.5 * (low + high)
            if falseAlarm(sigma: middle) > probability { low = middle } else { high = middle }
        }
        return high
    }
}
