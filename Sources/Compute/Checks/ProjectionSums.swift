import COpenBLAS
import Domain

/// Sums over one vector of values: its projection, and what bounds the rounding.
public struct ProjectionSums: Hashable, Sendable {
    /// Σ values · vector. For complex values with a real vector: real and imaginary part.
    var dot = SIMD2<Double>()
    /// Σ |value|², the square of the 2-norm.
    var square = 0.0
}

/// Σ over N terms in blocks of 256, whose sums are added with their rounding errors kept (Neumaier 1974).
struct CompensatedSum {
    private var sum = SIMD2<Double>()
    private var lost = SIMD2<Double>()

    @inline(__always)
    mutating func add(_ value: SIMD2<Double>) {
        // Knuth's two-sum: exact whatever the magnitudes.
        let total = sum + value
        let virtual = total - sum
        lost += (sum - (total - virtual)) + (value - virtual)
        sum = total
    }

    var total: SIMD2<Double> { sum + lost }
}

/// The inner loops of projections. Complex values are pairs of numbers.
enum Projections {
    static let block = 256
    /// Longest run of additions: a block in eight lanes, the fold of the lanes, and the compensated total.
    static let chain = block / 8 + 8

    /// Σ values · vector in `dot[0]`.
    @inline(__always)
    static func plain<S: CheckedReal>(
        _ values: UnsafeBufferPointer<S>, _ vector: UnsafeBufferPointer<Double>
    ) -> ProjectionSums {
        let count = min(values.count, vector.count)
        guard let x = values.baseAddress, let r = vector.baseAddress else { return ProjectionSums() }
        var total = CompensatedSum()
        var square = 0.0
        var at = 0
        while at < count {
            let end = min(count, at + block)
            var dots = SIMD8<Double>()
            var squares = SIMD8<Double>()
            while at + 8 <= end {
                let value = S.eight(x + at)
                dots += value * Double.eight(r + at)
                squares += value * value
                at += 8
            }
            var tail = 0.0
            while at < end {
                tail += Double(x[at]) * r[at]
                square += Double(x[at]) * Double(x[at])
                at += 1
            }
            square += squares.sum()
            total.add(SIMD2(dots.sum() + tail, 0))
        }
        return ProjectionSums(dot: total.total, square: square)
    }

    /// Σ r[k] (Re, Im) of the values k of `range`; the squares are not summed.
    @inline(__always)
    static func pairs<S: CheckedReal>(
        _ values: UnsafeBufferPointer<S>, _ vector: UnsafeBufferPointer<Float>, _ range: Range<Int>
    ) -> ProjectionSums {
        guard let x = values.baseAddress, let r = vector.baseAddress else { return ProjectionSums() }
        var total = CompensatedSum()
        var at = range.lowerBound
        while at < range.upperBound {
            let end = min(range.upperBound, at + block / 2)
            var dots = SIMD8<Double>()
            while at + 4 <= end {
                millrace_prefetch(x + (2 * at + 1024))
                let four = SIMD4<Double>(UnsafeRawPointer(r + at).loadUnaligned(as: SIMD4<Float>.self))
                dots += S.eight(x + 2 * at) * SIMD8(four.x, four.x, four.y, four.y, four.z, four.z, four.w, four.w)
                at += 4
            }
            var sum = SIMD2(dots.evenHalf.sum(), dots.oddHalf.sum())
            while at < end {
                sum += SIMD2(Double(x[2 * at]), Double(x[2 * at + 1])) * Double(r[at])
                at += 1
            }
            total.add(sum)
        }
        return ProjectionSums(dot: total.total)
    }

    /// N complex values on a vector with s[N-n] = conj(s[n]), of which s[0] ... s[N/2] are stored, as pairs: half of
    /// the memory. Σ s[n] x[n] pairs x[n] with x[N-n]. - Parameter range: of n, within 0 ... N/2.
    @inline(__always)
    static func hermitian<S: CheckedReal>(
        _ values: UnsafeBufferPointer<S>, _ half: UnsafeBufferPointer<Double>, _ range: Range<Int>
    ) -> ProjectionSums {
        let count = values.count / 2
        guard let x = values.baseAddress, let s = half.baseAddress else { return ProjectionSums() }
        @inline(__always) func value(_ at: Int) -> SIMD2<Double> { SIMD2(Double(x[2 * at]), Double(x[2 * at + 1])) }
        var total = CompensatedSum()
        var squares = SIMD2<Double>()
        var at = range.lowerBound
        var end = range.upperBound
        // s[0] is real, and so is s[N/2] of an even N: these have no partner.
        for single in [0, count] where single == 0 || count % 2 == 0 {
            let n = single == 0 ? 0 : count / 2
            guard range.contains(n), single == 0 || n > 0 else { continue }
            total.add(value(n) * s[2 * n])
            squares += value(n) * value(n)
            if n == 0 { at = 1 } else { end = n }
        }
        while at < end {
            let stop = min(end, at + block / 8)
            var real = SIMD2<Double>()
            var cross = SIMD2<Double>()
            // A second set of sums, so that additions need not wait for each other.
            var (otherReal, otherCross, otherSquares) = (real, cross, real)
            while at + 2 <= stop {
                // Three streams, one of them backwards.
                millrace_prefetch(x + (2 * at + 1024))
                millrace_prefetch(s + (2 * at + 1024))
                millrace_prefetch(UnsafeRawPointer(x) + (2 * (count - at) - 1024) * MemoryLayout<S>.stride)
                let (a, b) = (value(at), value(count - at))
                let (c, d) = (value(at + 1), value(count - at - 1))
                real += (a + b) * s[2 * at]
                cross += (a - b) * s[2 * at + 1]
                otherReal += (c + d) * s[2 * at + 2]
                otherCross += (c - d) * s[2 * at + 3]
                squares += a * a + b * b
                otherSquares += c * c + d * d
                at += 2
            }
            real += otherReal
            cross += otherCross
            squares += otherSquares
            while at < stop {
                let (a, b) = (value(at), value(count - at))
                real += (a + b) * s[2 * at]
                cross += (a - b) * s[2 * at + 1]
                squares += a * a + b * b
                at += 1
            }
            total.add(real + SIMD2(-cross.y, cross.x))
        }
        return ProjectionSums(dot: total.total, square: squares.sum())
    }

    /// What to say of an output whose squares do not sum to a finite number. - Parameter largest: what no element of
    /// the true output exceeds.
    static func refusal<S: CheckedReal>(_ output: UnsafeBufferPointer<S>, largest: Double) -> Proof {
        if let at = output.firstIndex(where: { !$0.isFinite }) {
            guard 2 * largest < Double(S.greatestFiniteMagnitude) else {
                return .undecided("the output may be beyond the range of its type")
            }
            return .malformed("number \(at) of the output is not finite")
        }
        guard let at = output.firstIndex(where: { Double($0.magnitude) > 2 * largest }) else {
            return .undecided("the output is too large to bound")
        }
        return .fails(
            Difference(element: "output[\(at)]", distance: Double(output[at].magnitude), tolerance: largest),
            "it is larger than any number of this output can be")
    }
}
