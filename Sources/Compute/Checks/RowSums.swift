import COpenBLAS

/// The inner loops of a pass, eight elements at a time.
package enum RowSums {
    /// Accumulators are emptied after so many elements: shorter runs of additions, smaller errors.
    static let block = 512

    #if arch(x86_64)
        static let hasAVX2 = millrace_has_avx2() != 0
    #endif

    /// x·a, x·b, Σ|x|w and Σ(xs)² of one row x. - Parameter bounds: a constant where this is inlined; it says which of
    /// the last two are wanted, and whether s is w.
    @inline(__always)
    static func sums<S: CheckedReal>(
        _ x: UnsafePointer<S>, _ count: Int, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
        _ w: UnsafePointer<Double>, _ s: UnsafePointer<Double>, _ bounds: PassVectors.Bounds
    ) -> SIMD4<Double> {
        var total = SIMD4<Double>()
        var at = 0
        while at < count {
            let end = min(count, at + block)
            if let sums = S.fastSums(x + at, end - at, a + at, b + at, w + at, s + at, bounds.code) {
                total += sums
            } else {
                total += portable(x + at, end - at, a + at, b + at, w + at, s + at, bounds)
            }
            at = end
        }
        return total
    }

    /// The same for one block on any processor.
    @inline(__always)
    private static func portable<S: CheckedReal>(
        _ x: UnsafePointer<S>, _ count: Int, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
        _ w: UnsafePointer<Double>, _ s: UnsafePointer<Double>, _ bounds: PassVectors.Bounds
    ) -> SIMD4<Double> {
        // Four sums of four lanes: eight of the sixteen registers that every 64-bit processor has.
        var dotA = SIMD4<Double>()
        var dotB = SIMD4<Double>()
        var absolute = SIMD4<Double>()
        var square = SIMD4<Double>()
        var at = 0
        while at + 4 <= count {
            let value = S.four(x + at)
            dotA += value * Double.four(a + at)
            dotB += value * Double.four(b + at)
            let weighted = magnitude(value) * Double.four(w + at)
            absolute += weighted
            if bounds != .absolute {
                let scaled = bounds == .same ? weighted : value * Double.four(s + at)
                square += scaled * scaled
            }
            at += 4
        }
        var total = SIMD4(dotA.sum(), dotB.sum(), absolute.sum(), square.sum())
        while at < count {
            let value = Double(x[at])
            let scaled = bounds == .absolute ? 0 : value * s[at]
            total += SIMD4(value * a[at], value * b[at], abs(value) * w[at], scaled * scaled)
            at += 1
        }
        return total
    }

    /// Both kernels on one row, for the test that compares them; the first is nil where it cannot run.
    /// - Parameter vectors: a, b, w, s of at least the row's length.
    /// - Parameter weights: 0: absolute, 1: same, 2: both.
    package static func both<S: CheckedReal>(
        _ x: [S], _ vectors: [[Double]], weights: Int
    ) -> (fast: SIMD4<Double>?, portable: SIMD4<Double>) {
        let bounds = [PassVectors.Bounds.absolute, .same, .both][weights]
        let flat = vectors.flatMap { $0.prefix(x.count) }
        return x.withUnsafeBufferPointer { x in
            flat.withUnsafeBufferPointer { flat in
                guard let row = x.baseAddress, let v = flat.baseAddress else { return (nil, SIMD4()) }
                let n = x.count
                return (
                    S.fastSums(row, n, v, v + n, v + 2 * n, v + 3 * n, bounds.code),
                    portable(row, n, v, v + n, v + 2 * n, v + 3 * n, bounds)
                )
            }
        }
    }

    /// to += factor · x.
    @inline(__always)
    static func add<S: CheckedReal>(
        _ x: UnsafePointer<S>, _ count: Int, _ factor: Double, _ to: UnsafeMutablePointer<Double>
    ) {
        let factors = SIMD8(repeating: factor)
        var at = 0
        while at + 8 <= count {
            store(Double.eight(to + at) + S.eight(x + at) * factors, to + at)
            at += 8
        }
        while at < count {
            to[at] += Double(x[at]) * factor
            at += 1
        }
    }

    /// absolute += |x| · weight and square += (x · root)².
    @inline(__always)
    static func addBounds<S: CheckedReal>(
        _ x: UnsafePointer<S>, _ count: Int, _ weight: Double, _ root: Double,
        _ absolute: UnsafeMutablePointer<Double>, _ square: UnsafeMutablePointer<Double>
    ) {
        let (weights, roots) = (SIMD8(repeating: weight), SIMD8(repeating: root))
        var at = 0
        while at + 8 <= count {
            let value = magnitude(S.eight(x + at))
            store(Double.eight(absolute + at) + value * weights, absolute + at)
            let scaled = value * roots
            store(Double.eight(square + at) + scaled * scaled, square + at)
            at += 8
        }
        while at < count {
            let value = abs(Double(x[at]))
            absolute[at] += value * weight
            square[at] += (value * root) * (value * root)
            at += 1
        }
    }

    @inline(__always)
    static func magnitude(_ x: SIMD8<Double>) -> SIMD8<Double> {
        let bits = unsafeBitCast(x, to: SIMD8<UInt64>.self) & SIMD8(repeating: 0x7fff_ffff_ffff_ffff)
        return unsafeBitCast(bits, to: SIMD8<Double>.self)
    }

    @inline(__always)
    static func magnitude(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let bits = unsafeBitCast(x, to: SIMD4<UInt64>.self) & SIMD4(repeating: 0x7fff_ffff_ffff_ffff)
        return unsafeBitCast(bits, to: SIMD4<Double>.self)
    }

    @inline(__always)
    static func store(_ value: SIMD8<Double>, _ to: UnsafeMutablePointer<Double>) {
        UnsafeMutableRawPointer(to).storeBytes(of: value, as: SIMD8<Double>.self)
    }
}
