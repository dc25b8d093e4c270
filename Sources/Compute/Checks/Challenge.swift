import Bytes
import Glibc

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// Vectors that a challenge expands to.
///
/// The challenge is a seed that the server draws after the hash of the result was stored, fresh for each unit: a worker
/// cannot shape his errors to a vector that does not exist yet. The seed feeds SplitMix64; each use has its own stream.
public struct Challenge: Sendable {
    private var generator: SeededGenerator

    /// - Parameter stream: which of a check's independent sequences.
    public init(_ seed: UInt64, stream: UInt64 = 0) {
        // The first output of a seeded generator separates streams: neighbouring seeds share nothing afterwards.
        var mixer = SeededGenerator(seed: seed ^ (stream &* 0xD6E8_FEB8_6659_FD93))
        generator = SeededGenerator(seed: mixer.next() ^ stream)
    }

    /// Normal deviates by the polar-free Box-Muller transform: sqrt(-2 ln u) (cos 2πv, sin 2πv), with 53 random bits
    /// each, u > 0. Never zero, so that a NaN cannot hide behind a factor.
    public mutating func gaussians(_ count: Int) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(count + 1)
        while values.count < count {
            let radius = (-2 * log(1 - generator.nextUnit())).squareRoot()
            let angle = 2 * Double.pi * generator.nextUnit()
            values.append(nonZero(radius * cos(angle)))
            values.append(nonZero(radius * sin(angle)))
        }
        values.removeLast(values.count - count)
        return values
    }

    /// The same, rounded to single precision, for long vectors: as random, exactly representable, half the memory.
    public mutating func singleGaussians(_ count: Int) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(count + 1)
        while values.count < count {
            let radius = (-2 * log(1 - generator.nextUnit())).squareRoot()
            let angle = 2 * Double.pi * generator.nextUnit()
            values.append(Float(nonZero(radius * cos(angle))))
            values.append(Float(nonZero(radius * sin(angle))))
        }
        values.removeLast(values.count - count)
        return values
    }

    private func nonZero(_ value: Double) -> Double { abs(value) < 1e-30 ? 1e-30 : value }

    /// Uniform elements of the field of 2^61 - 1 elements, by rejection.
    public mutating func fieldElements(_ count: Int) -> [UInt64] {
        (0..<count).map { _ in
            while true {
                let value = generator.next() >> 3
                if value < Mersenne61.modulus { return value }
            }
        }
    }

    /// `count` different indices below `bound`, in rising order; all of them when `count` reaches `bound`.
    public mutating func indices(_ count: Int, below bound: Int) -> [Int] {
        // Floyd's sampling (Bentley, Floyd 1987): one draw an index, no table of `bound` entries.
        guard count < bound else { return Array(0..<max(0, bound)) }
        var chosen: Set<Int> = []
        for top in (bound - max(0, count))..<bound {
            let draw = generator.nextIndex(below: top + 1)
            chosen.insert(chosen.contains(draw) ? top : draw)
        }
        return chosen.sorted()
    }
}
