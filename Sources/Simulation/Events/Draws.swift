import Bytes

/// Random draws with names: each purpose has its own stream, so that one that is left out (a kind of fault, a host)
/// does not shift the draws of the others. That is what makes a failure shrink.
struct Draws {
    private var generator: SeededGenerator

    init(seed: UInt64, purpose: UInt64, number: Int = 0) {
        var mixer = SeededGenerator(seed: seed &+ purpose &* 0x9E37_79B9_7F4A_7C15)
        let base = mixer.next()
        var second = SeededGenerator(seed: base &+ UInt64(truncatingIfNeeded: number) &* 0xD134_2543_DE82_EF95)
        generator = SeededGenerator(seed: second.next())
    }

    mutating func word() -> UInt64 { generator.next() }

    /// 0 ..< 1.
    mutating func unit() -> Double { generator.nextUnit() }

    /// - Parameter oneIn: 0: never.
    mutating func chance(oneIn: Int) -> Bool { oneIn > 0 && generator.nextIndex(below: oneIn) == 0 }

    /// Uniform in the range, both ends included.
    mutating func whole(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(generator.nextIndex(below: Int(range.upperBound - range.lowerBound) + 1))
    }

    mutating func index(below count: Int) -> Int { generator.nextIndex(below: count) }

    mutating func bytes(_ count: Int) -> [UInt8] { generator.nextBytes(count) }

    /// A wait whose mean is `mean` milliseconds: uniform in 1 ... 2 * mean, so that no logarithm is needed, whose last
    /// bit differs between machines.
    mutating func wait(mean: Int64) -> Int64 { whole(1...max(2 * mean, 2)) }
}

/// One step of SplitMix64 as a hash of a word.
func scrambled(_ word: UInt64) -> UInt64 {
    var generator = SeededGenerator(seed: word)
    return generator.next()
}
