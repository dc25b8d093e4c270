/// Arithmetic in the field of p = 2^61 - 1 elements.
///
/// A random vector of this field hides a wrong row of a product with probability 1/p, about 4.3e-19.
public enum Mersenne61 {
    /// 2^61 - 1, a Mersenne prime.
    public static let modulus: UInt64 = (1 << 61) - 1

    /// The residue of an integer, 0 ..< p.
    @inline(__always)
    public static func residue(_ value: Int64) -> UInt64 {
        let magnitude = reduce(value.magnitude)
        return value < 0 && magnitude != 0 ? modulus - magnitude : magnitude
    }

    /// The residue of any 64-bit number, 0 ..< p.
    @inline(__always)
    public static func reduce(_ value: UInt64) -> UInt64 {
        let folded = (value & modulus) + (value >> 61)
        return folded >= modulus ? folded - modulus : folded
    }

    /// The residue of any 128-bit number, 0 ..< p.
    @inline(__always)
    public static func reduce(_ value: UInt128) -> UInt64 {
        // 2^61 = 1, so 61-bit digits are added; 128 bits have three of them.
        let low = UInt64(truncatingIfNeeded: value) & modulus
        let middle = UInt64(truncatingIfNeeded: value >> 61) & modulus
        let high = UInt64(truncatingIfNeeded: value >> 122)
        return reduce(low + middle + high)
    }

    /// Sum of products of residues below p. - Precondition: `b` has at least `count` elements.
    @inline(__always)
    static func dot(_ a: UnsafePointer<Int64>, _ b: UnsafePointer<UInt64>, _ count: Int) -> UInt64 {
        var total: UInt64 = 0
        var at = 0
        while at < count {
            // 32 products below 2^122 stay below 2^127.
            var sum: UInt128 = 0
            let end = min(count, at + 32)
            while at < end {
                let (high, low) = residue(a[at]).multipliedFullWidth(by: b[at])
                sum &+= UInt128(truncatingIfNeeded: high) << 64 | UInt128(truncatingIfNeeded: low)
                at += 1
            }
            total = reduce(total + reduce(sum))
        }
        return total
    }
}
