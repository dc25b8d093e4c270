import Bytes
import Measuring
import Testing

@Suite("LatencyHistogram")
struct LatencyHistogramTests {
    private static let shares = [0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1]

    /// The value at the rank, from the sorted samples.
    private static func exact(_ share: Double, _ sorted: [UInt64]) -> UInt64 {
        sorted[max(1, Int((share * Double(sorted.count)).rounded(.up))) - 1]
    }

    /// Small, large, and both over nine decades.
    private static func sample(_ kind: Int, _ random: inout SeededGenerator) -> UInt64 {
        switch kind {
        case 0: UInt64(random.nextIndex(below: 3000))
        case 1: 1_000_000 + UInt64(random.nextIndex(below: 1_000_000))
        default: UInt64(1) << UInt64(random.nextIndex(below: 31)) + UInt64(random.nextIndex(below: 1000))
        }
    }

    @Test("Every quantile is the exact one, or at most a thousandth more", arguments: 0..<3)
    func quantiles(kind: Int) {
        for seed in 0..<40 {
            var random = SeededGenerator(seed: UInt64(seed))
            let samples = (0...random.nextIndex(below: 5000)).map { _ in Self.sample(kind, &random) }
            var histogram = LatencyHistogram()
            for sample in samples { histogram.note(sample) }
            let sorted = samples.sorted()
            for share in Self.shares {
                let exact = Self.exact(share, sorted)
                let found = histogram.quantile(share)
                #expect(found >= exact && found <= exact + exact / 1024, "\(share): \(found), not \(exact)")
            }
            #expect(histogram.quantile(1) == sorted.last)
            let mean = Double(samples.reduce(0, +)) / Double(samples.count)
            #expect(abs(histogram.mean - mean) <= 1e-9 * mean)
        }
    }

    @Test("Two halves added are the whole")
    func adding() {
        var random = SeededGenerator(seed: 5)
        var (whole, halves) = (LatencyHistogram(), [LatencyHistogram(), LatencyHistogram()])
        for number in 0..<10_000 {
            let sample = Self.sample(2, &random)
            whole.note(sample)
            halves[number % 2].note(sample)
        }
        halves[0].add(halves[1])
        #expect(halves[0].total == whole.total && halves[0].longest == whole.longest)
        for share in Self.shares { #expect(halves[0].quantile(share) == whole.quantile(share)) }
    }

    @Test("Nothing counted, and more than an hour")
    func ends() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.99) == 0 && histogram.mean == 0)
        histogram.note(.max)
        #expect(histogram.quantile(0.5) == LatencyHistogram.longestMicroseconds)
    }
}
