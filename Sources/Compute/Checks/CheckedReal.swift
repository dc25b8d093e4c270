import COpenBLAS

/// Number types that floating-point checks read.
///
/// The passes are members, so that the compiler makes a concrete one for each type; only checks call them.
public protocol CheckedReal: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// Half of the distance from 1 to the next number.
    static var unitRoundoff: Double { get }
    /// Eight neighbours as doubles.
    static func eight(_ from: UnsafePointer<Self>) -> SIMD8<Double>
    /// Four neighbours as doubles.
    static func four(_ from: UnsafePointer<Self>) -> SIMD4<Double>
    /// The sums of one row on a processor with AVX2; nil elsewhere.
    static func fastSums(
        _ x: UnsafePointer<Self>, _ count: Int, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
        _ w: UnsafePointer<Double>, _ s: UnsafePointer<Double>, _ bounds: Int32
    ) -> SIMD4<Double>?
    /// A pass over a matrix.
    static func multiply(_ matrix: MatrixOperand<Self>, by vectors: PassVectors) -> PassSums
    /// Real values on a real vector.
    static func project(_ values: UnsafeBufferPointer<Self>, on vector: UnsafeBufferPointer<Double>) -> ProjectionSums
    /// The complex values of `range` on a real vector.
    static func projectPairs(
        _ values: UnsafeBufferPointer<Self>, on vector: UnsafeBufferPointer<Float>, _ range: Range<Int>
    ) -> ProjectionSums
    /// Complex values on half of a vector with s[N-n] = conj(s[n]); `range` of n within 0 ... N/2.
    static func projectHermitian(
        _ values: UnsafeBufferPointer<Self>, on half: UnsafeBufferPointer<Double>, _ range: Range<Int>
    ) -> ProjectionSums
}

extension Double: CheckedReal {
    public static var unitRoundoff: Double { 0x1p-53 }

    @inline(__always)
    public static func eight(_ from: UnsafePointer<Double>) -> SIMD8<Double> {
        UnsafeRawPointer(from).loadUnaligned(as: SIMD8<Double>.self)
    }

    @inline(__always)
    public static func four(_ from: UnsafePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(from).loadUnaligned(as: SIMD4<Double>.self)
    }

    @inline(__always)
    public static func fastSums(
        _ x: UnsafePointer<Double>, _ count: Int, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
        _ w: UnsafePointer<Double>, _ s: UnsafePointer<Double>, _ bounds: Int32
    ) -> SIMD4<Double>? {
        #if arch(x86_64)
            guard RowSums.hasAVX2 else { return nil }
            var out = SIMD4<Double>()
            withUnsafeMutableBytes(of: &out) { out in
                millrace_row_sums_double(
                    x, count, a, b, w, s, bounds, out.assumingMemoryBound(to: Double.self).baseAddress)
            }
            return out
        #else
            return nil
        #endif
    }

    public static func multiply(_ matrix: MatrixOperand<Double>, by vectors: PassVectors) -> PassSums {
        MatrixPass.run(matrix, vectors)
    }

    public static func project(
        _ values: UnsafeBufferPointer<Double>, on vector: UnsafeBufferPointer<Double>
    ) -> ProjectionSums {
        Projections.plain(values, vector)
    }

    public static func projectPairs(
        _ values: UnsafeBufferPointer<Double>, on vector: UnsafeBufferPointer<Float>, _ range: Range<Int>
    ) -> ProjectionSums {
        Projections.pairs(values, vector, range)
    }

    public static func projectHermitian(
        _ values: UnsafeBufferPointer<Double>, on half: UnsafeBufferPointer<Double>, _ range: Range<Int>
    ) -> ProjectionSums {
        Projections.hermitian(values, half, range)
    }
}

extension Float: CheckedReal {
    public static var unitRoundoff: Double { 0x1p-24 }

    @inline(__always)
    public static func eight(_ from: UnsafePointer<Float>) -> SIMD8<Double> {
        SIMD8<Double>(UnsafeRawPointer(from).loadUnaligned(as: SIMD8<Float>.self))
    }

    @inline(__always)
    public static func four(_ from: UnsafePointer<Float>) -> SIMD4<Double> {
        SIMD4<Double>(UnsafeRawPointer(from).loadUnaligned(as: SIMD4<Float>.self))
    }

    @inline(__always)
    public static func fastSums(
        _ x: UnsafePointer<Float>, _ count: Int, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
        _ w: UnsafePointer<Double>, _ s: UnsafePointer<Double>, _ bounds: Int32
    ) -> SIMD4<Double>? {
        #if arch(x86_64)
            guard RowSums.hasAVX2 else { return nil }
            var out = SIMD4<Double>()
            withUnsafeMutableBytes(of: &out) { out in
                millrace_row_sums_float(
                    x, count, a, b, w, s, bounds, out.assumingMemoryBound(to: Double.self).baseAddress)
            }
            return out
        #else
            return nil
        #endif
    }

    public static func multiply(_ matrix: MatrixOperand<Float>, by vectors: PassVectors) -> PassSums {
        MatrixPass.run(matrix, vectors)
    }

    public static func project(
        _ values: UnsafeBufferPointer<Float>, on vector: UnsafeBufferPointer<Double>
    ) -> ProjectionSums {
        Projections.plain(values, vector)
    }

    public static func projectPairs(
        _ values: UnsafeBufferPointer<Float>, on vector: UnsafeBufferPointer<Float>, _ range: Range<Int>
    ) -> ProjectionSums {
        Projections.pairs(values, vector, range)
    }

    public static func projectHermitian(
        _ values: UnsafeBufferPointer<Float>, on half: UnsafeBufferPointer<Double>, _ range: Range<Int>
    ) -> ProjectionSums {
        Projections.hermitian(values, half, range)
    }
}
