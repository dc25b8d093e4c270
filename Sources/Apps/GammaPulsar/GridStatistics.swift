import Compute
import Glibc

/// Sums over the searched grid of one ratio, in units of the noise: they show that the whole band was computed.
struct GridStatistics: Hashable, Sendable {
    var count: Int
    var sum: Double
    var sumOfSquares: Double

    /// Lanes (signed, 0 is the first above the band's centre) that lie in the searched band as a whole, as runs. A
    /// lane's frequencies start `BandTransform.margin` pairs above its nominal start, as the scan does.
    static func lanes(_ unit: SearchUnit, _ geometry: BandGeometry) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for lane in -geometry.halfLanes..<geometry.halfLanes {
            let low = unit.centre + offset(ofPoint: firstPoint(lane, geometry), geometry)
            let high = unit.centre + offset(ofPoint: firstPoint(lane + 1, geometry) - 1, geometry)
            guard unit.isSearched(low), unit.isSearched(high), !hidesVeto(low, high, unit) else { continue }
            if let last = runs.last, last.upperBound == lane {
                runs[runs.count - 1] = last.lowerBound..<(lane + 1)
            } else {
                runs.append(lane..<(lane + 1))
            }
        }
        return runs
    }

    /// Whether a vetoed frequency lies between two that are searched.
    private static func hidesVeto(_ low: Double, _ high: Double, _ unit: SearchUnit) -> Bool {
        (low / unit.bandWidth).rounded(.down) != (high / unit.bandWidth).rounded(.down)
    }

    static func firstPoint(_ lane: Int, _ geometry: BandGeometry) -> Int {
        2 * (geometry.rows * lane + BandTransform.margin)
    }

    static func offset(ofPoint point: Int, _ geometry: BandGeometry) -> Double {
        Double(point) * geometry.spacing
    }

    /// The exact sum of powers over the same grid, by a closed form for each pair: a sum of cosines at equal steps is a
    /// quotient of two sines.
    static func exactSum(
        _ pairs: PhotonPairs, ratio: Double, unit: SearchUnit, geometry: BandGeometry
    ) -> (count: Int, sum: Double) {
        var count = 0
        var total = 0.0
        let runs = lanes(unit, geometry).map { run in
            (
                firstPoint(run.lowerBound, geometry),
                firstPoint(run.upperBound, geometry) - firstPoint(run.lowerBound, geometry)
            )
        }
        for (_, length) in runs { count += length }
        let order = pairs.lags.count
        for start in stride(from: 0, to: order, by: 4) {
            var lag = SIMD4<Double>.zero
            var weight = SIMD4<Float>.zero
            for lane in 0..<min(4, order - start) {
                let index = start + lane
                lag[lane] = max(0, min(geometry.period, pairs.lags[index] + ratio * pairs.drifts[index]))
                weight[lane] = pairs.weights[index]
            }
            for (first, length) in runs {
                let middle = unit.centre + (Double(first) + 0.5 * Double(length - 1)) * geometry.spacing
                total += sumOfCosines(lag, weight, middle: middle, length: length, spacing: geometry.spacing)
            }
        }
        return (count, total / pairs.noise)
    }

    /// Σ weight · Σ cos(2π f lag) over `length` frequencies round `middle`, `spacing` apart, for four lags.
    @inline(__always)
    private static func sumOfCosines(
        _ lag: SIMD4<Double>, _ weight: SIMD4<Float>, middle: Double, length: Int, spacing: Double
    ) -> Double {
        let half = lag * (0.5 * spacing)
        let over = Turns.sine(SIMD4<Float>(Turns.fraction(half * Double(length))))
        // A lag of zero has the sum `length`; the limit of the quotient is reached well before.
        let under = Turns.sine(SIMD4<Float>(half))
        let tiny = half .< SIMD4(repeating: 1e-12)
        let quotient = (SIMD4<Double>(over) / SIMD4<Double>(under)).replacing(with: Double(length), where: tiny)
        let cosine = Turns.cosine(SIMD4<Float>(Turns.fraction(lag * middle)))
        return (SIMD4<Double>(weight * cosine) * quotient).sum()
    }
}
