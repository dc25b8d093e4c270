/// Cosine and sine of angles in turns (1 turn = 2π), four at a time, good to 2e-7 absolute.
///
/// Phases of pulsar searches are 1e8 turns and more: they are reduced to a fraction of a turn in double precision, and
/// the fraction goes through a polynomial in single precision.
public enum Turns {
    /// Fraction of each angle nearest to zero, -0.5 ... 0.5. Exact for |x| < 2^51.
    @inlinable @inline(__always)
    public static func fraction(_ x: SIMD4<Double>) -> SIMD4<Double> {
        // Adding and subtracting 1.5 * 2^52 rounds to the nearest whole number without SSE4's instruction for it.
        let magic = SIMD4<Double>(repeating: 6_755_399_441_055_744)
        return x - ((x + magic) - magic)
    }

    /// cos(2πx) for x in -0.5 ... 0.5.
    @inlinable @inline(__always)
    public static func cosine(_ x: SIMD4<Float>) -> SIMD4<Float> {
        // cos(2πx) = sin(2π(1/4 - |x|)), and 1/4 - |x| lies in -1/4 ... 1/4.
        quarterSine(SIMD4(repeating: 0.25) - magnitude(x))
    }

    /// sin(2πx) for x in -0.5 ... 0.5.
    @inlinable @inline(__always)
    public static func sine(_ x: SIMD4<Float>) -> SIMD4<Float> {
        // sin(2πx) = cos(2π(x - 1/4)), and x - 1/4 is brought back to -1/2 ... 1/2: 1/4 - |x - 1/4| would leave the
        // range for x < -1/4, so fold instead: y = ±1/2 - x beyond a quarter turn.
        let half = copySign(SIMD4(repeating: 0.5), x)
        let folded = half - x
        return quarterSine(magnitude(x) .> SIMD4(repeating: 0.25), folded, x)
    }

    @inlinable @inline(__always)
    static func quarterSine(
        _ mask: SIMDMask<SIMD4<Int32>>, _ ifTrue: SIMD4<Float>, _ ifFalse: SIMD4<Float>
    ) -> SIMD4<Float> {
        quarterSine(ifFalse.replacing(with: ifTrue, where: mask))
    }

    /// sin(2πy) for y in -0.25 ... 0.25: odd polynomial of degree 11, Taylor's coefficients, error below 6e-8.
    @inlinable @inline(__always)
    static func quarterSine(_ y: SIMD4<Float>) -> SIMD4<Float> {
        let s = y * y
        var p = SIMD4<Float>(repeating: -15.094643)
        p = p * s + SIMD4(repeating: 42.058693)
        p = p * s + SIMD4(repeating: -76.705860)
        p = p * s + SIMD4(repeating: 81.605249)
        p = p * s + SIMD4(repeating: -41.341702)
        p = p * s + SIMD4(repeating: 6.2831853)
        return p * y
    }

    @inlinable @inline(__always)
    static func magnitude(_ x: SIMD4<Float>) -> SIMD4<Float> {
        let bits = unsafeBitCast(x, to: SIMD4<UInt32>.self) & SIMD4(repeating: 0x7fff_ffff)
        return unsafeBitCast(bits, to: SIMD4<Float>.self)
    }

    @inlinable @inline(__always)
    static func copySign(_ x: SIMD4<Float>, _ sign: SIMD4<Float>) -> SIMD4<Float> {
        let bits = unsafeBitCast(sign, to: SIMD4<UInt32>.self) & SIMD4(repeating: 0x8000_0000)
        return unsafeBitCast(unsafeBitCast(x, to: SIMD4<UInt32>.self) | bits, to: SIMD4<Float>.self)
    }
}
