import Compute
import Glibc

/// A rotation: phase = f x + f1 x²/2, x in seconds after the reference time.
struct Rotation: Hashable, Sendable {
    /// Hz at the reference time.
    var frequency: Double
    /// Hz/s.
    var derivative: Double

    func phase(_ x: Double) -> Double {
        let turns = x * (frequency + 0.5 * derivative * x)
        return turns - turns.rounded(.down)
    }
}

/// Refines a candidate of the semi-coherent search with all photons in phase over the whole observation.
///
/// For a list of derivatives the photons are heterodyned at the candidate, binned in time and transformed, for the
/// first and the second harmonic; the best sum of both powers is then climbed with four harmonics.
/// Source: Pletsch & Clark, "Optimized blind gamma-ray pulsar searches at fixed computing budget", ApJ 795 (2014): the
/// coherent follow-up stage.
struct CoherentFit {
    let photons: Photons
    /// Seconds after the reference time.
    private let x: [Double]
    private let span: Double

    private static let bins = 4096
    private static let padded = 8192
    private static let trialsMax = 4000

    init(_ photons: Photons, referenceTime: Double) {
        self.photons = photons
        x = photons.times.map { $0 - referenceTime }
        span = max(1, photons.times[photons.times.count - 1] - photons.times[0])
    }

    /// - Parameter frequencyReach: Hz to either side. - Parameter derivativeReach: Hz/s to either side.
    /// - Returns: nil when there is no memory for the transforms.
    func fit(around start: Rotation, frequencyReach: Double, derivativeReach: Double) -> Rotation? {
        guard let plan = FFTPlan(size: CoherentFit.padded, effort: .estimate),
            let first = AlignedBuffer<Float>(count: 2 * CoherentFit.padded),
            let second = AlignedBuffer<Float>(count: 2 * CoherentFit.padded),
            let output = AlignedBuffer<Float>(count: 2 * CoherentFit.padded)
        else { return nil }
        // A tenth of a turn at the ends of the observation.
        let step = max(0.8 / (span * span), 2 * derivativeReach / Double(CoherentFit.trialsMax))
        let trials = Int((derivativeReach / step).rounded(.up))
        // Points of the padded transform lie half a resolution apart.
        let spacing = Double(CoherentFit.bins) / (span * 1.000001) / Double(CoherentFit.padded)
        let reach = min(CoherentFit.bins / 2 - 1, max(2, Int((frequencyReach / spacing).rounded(.up))))
        var best = (power: -1.0, rotation: start)
        for trial in -trials...trials {
            let derivative = start.derivative + Double(trial) * step
            bin(Rotation(frequency: start.frequency, derivative: derivative), first.base, second.base)
            plan.execute(from: first.base, to: output.base)
            var powers = [Double](repeating: 0, count: 2 * reach + 1)
            CoherentFit.addPowers(output.base, stride: 1, reach: reach, to: &powers)
            plan.execute(from: second.base, to: output.base)
            CoherentFit.addPowers(output.base, stride: 2, reach: reach, to: &powers)
            for index in powers.indices where powers[index] > best.power {
                let frequency = start.frequency + Double(index - reach) * spacing
                best = (powers[index], Rotation(frequency: frequency, derivative: derivative))
            }
        }
        return climb(from: best.rotation)
    }

    /// How many independent rotations `fit` has tried: steps of one turn over the observation in frequency, and of one
    /// turn at its ends in the derivative; four harmonics make each of them four times finer.
    func trials(frequencyReach: Double, derivativeReach: Double) -> Double {
        let frequencies = 1 + 2 * frequencyReach * span
        let derivatives = 1 + 2 * derivativeReach * span * span / 8
        return 16 * frequencies * derivatives
    }

    /// Weighted sums of e^(2πi phase) and e^(4πi phase) in bins of time.
    private func bin(
        _ rotation: Rotation, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
    ) {
        first.update(repeating: 0, count: 2 * CoherentFit.padded)
        second.update(repeating: 0, count: 2 * CoherentFit.padded)
        let scale = Double(CoherentFit.bins) / (span * 1.000001)
        for start in stride(from: 0, to: x.count, by: 4) {
            let count = min(4, x.count - start)
            var time = SIMD4<Double>.zero
            for lane in 0..<count { time[lane] = x[start + lane] }
            let turns = time * (time * (0.5 * rotation.derivative) + rotation.frequency)
            let phase = SIMD4<Float>(Turns.fraction(turns))
            let c = Turns.cosine(phase)
            let s = Turns.sine(phase)
            for lane in 0..<count {
                let bin = 2 * min(CoherentFit.bins - 1, max(0, Int((x[start + lane] - x[0]) * scale)))
                let weight = Float(photons.weights[start + lane])
                first[bin] += weight * c[lane]
                first[bin + 1] += weight * s[lane]
                second[bin] += weight * (c[lane] * c[lane] - s[lane] * s[lane])
                second[bin + 1] += weight * 2 * c[lane] * s[lane]
            }
        }
    }

    private static func addPowers(
        _ spectrum: UnsafePointer<Float>, stride: Int, reach: Int, to powers: inout [Double]
    ) {
        for offset in -reach...reach {
            let index = 2 * ((offset * stride + padded) % padded)
            let re = Double(spectrum[index])
            let im = Double(spectrum[index + 1])
            powers[offset + reach] += re * re + im * im
        }
    }

    /// Steps of shrinking size in both directions while Z² of four harmonics grows.
    private func climb(from start: Rotation) -> Rotation {
        var best = start
        var bestPower = power(best)
        var frequencyStep = 0.25 / span
        var derivativeStep = 2 / (span * span)
        for _ in 0..<60 {
            var improved = false
            for (a, b) in [(1.0, 0.0), (-1, 0), (0, 1), (0, -1)] {
                let next = Rotation(
                    frequency: best.frequency + a * frequencyStep, derivative: best.derivative + b * derivativeStep)
                let value = power(next)
                if value > bestPower {
                    best = next
                    bestPower = value
                    improved = true
                }
            }
            if !improved {
                frequencyStep *= 0.5
                derivativeStep *= 0.5
                if frequencyStep * span < 1e-3 { break }
            }
        }
        return best
    }

    private func power(_ rotation: Rotation) -> Double {
        let harmonics = HTest.harmonics(x.map { rotation.phase($0) }, photons.weights, count: 4)
        return harmonics.reduce(0, +)
    }
}

/// The H-test for periodicity of weighted photons.
///
/// Sources: de Jager, Raubenheimer, Swanepoel, A&A 221 (1989); weights: Kerr, ApJ 732 (2011); tail probability
/// exp(-0.4 H): de Jager & Büsching, A&A 517 (2010).
struct HTest: Hashable, Sendable {
    var value: Double
    /// Harmonics at which the maximum lies, 1 ... 20.
    var harmonics: Int

    /// - Parameter phases: 0 ..< 1.
    init(phases: [Double], weights: [Double]) {
        value = 0
        harmonics = 1
        var sum = 0.0
        for (index, power) in HTest.harmonics(phases, weights, count: 20).enumerated() {
            sum += power
            let h = sum - 4 * Double(index)
            if h > value {
                value = h
                harmonics = index + 1
            }
        }
    }

    /// 2 |Σ w e^(2πi k phase)|² / Σw² for k = 1 ... count.
    static func harmonics(_ phases: [Double], _ weights: [Double], count: Int) -> [Double] {
        var re = [Double](repeating: 0, count: count)
        var im = re
        var squares = 0.0
        for index in phases.indices {
            let angle = 2 * Double.pi * phases[index]
            let c = cos(angle)
            let s = sin(angle)
            var a = weights[index]
            var b = 0.0
            squares += a * a
            for k in 0..<count {
                (a, b) = (a * c - b * s, a * s + b * c)
                re[k] += a
                im[k] += b
            }
        }
        guard squares > 0 else { return re.map { _ in 0 } }
        return (0..<count).map { 2 * (re[$0] * re[$0] + im[$0] * im[$0]) / squares }
    }

    /// Natural logarithm of the chance of this value for one given rotation.
    var logProbability: Double { -0.4 * value }
}
