import Bytes
import Comparators
import Domain
import Foundation
import Plugins
import Testing

@Suite struct StatisticsTests {
    private static func samples(_ significance: Double, columns: Int = 1) throws -> ResultComparator {
        try ResultComparator(tableRule(.samples(SampleRule(significance: significance)), columns: columns))
    }

    private static func normal(_ random: inout SeededGenerator) -> Double {
        (-2 * log(1 - random.nextUnit())).squareRoot() * cos(2 * Double.pi * random.nextUnit())
    }

    @Test func distanceOfDistributions() {
        #expect(SampleComparison.distance([1, 2, 3, 4], [1, 2, 3, 4]) == 0)
        #expect(SampleComparison.distance([1, 2], [3, 4]) == 1)
        #expect(SampleComparison.distance([1, 2, 3, 4], [2.5]) == 0.5)
        #expect(SampleComparison.distance([1, 1, 1, 2], [1, 2, 2, 2]) == 0.5)
    }

    @Test func thresholds() {
        let large = SampleComparison.threshold(significance: 0.05, sizes: (100, 100), columns: 1)
        #expect(abs(large - 0.199_893) < 1e-6)
        #expect(SampleComparison.threshold(significance: 0.05, sizes: (1, 1), columns: 1) > 1)
        #expect(abs(MomentComparison.threshold(significance: 0.05, rows: 1) - 1.959_964) < 1e-6)
        #expect(abs(MomentComparison.threshold(significance: 0.05, rows: 10) - 2.807_034) < 1e-6)
        #expect(MomentComparison.threshold(significance: 1e-12, rows: 1 << 40).isFinite)
    }

    /// The probability of a distance above the threshold by counting all orders of two samples without ties: it never
    /// exceeds the significance.
    @Test(arguments: [0.5, 0.1, 0.01, 1e-4])
    func falseRejectionsByExactCounting(_ significance: Double) {
        var largest = 0.0
        for m in 1...28 {
            for n in m...28 {
                let allowed = SampleComparison.threshold(significance: significance, sizes: (m, n), columns: 1)
                let share = Self.shareAbove(allowed, m, n)
                #expect(share <= significance, "sizes \(m) and \(n)")
                largest = max(largest, share)
            }
        }
        // Not empty words: some sizes come within a factor of their bound.
        #expect(largest > significance / 8)
    }

    /// Lattice paths from (0, 0) to (m, n) that leave the band, by probability: each step is drawn as the next of the
    /// remaining values.
    private static func shareAbove(_ allowed: Double, _ m: Int, _ n: Int) -> Double {
        var inside = [[Double]](repeating: [Double](repeating: 0, count: n + 1), count: m + 1)
        inside[0][0] = 1
        for i in 0...m {
            for j in 0...n where i + j > 0 {
                if abs(Double(i) / Double(m) - Double(j) / Double(n)) > allowed { continue }
                let left = Double(m + n - i - j + 1)
                var share = 0.0
                if i > 0 { share += inside[i - 1][j] * Double(m - i + 1) / left }
                if j > 0 { share += inside[i][j - 1] * Double(n - j + 1) / left }
                inside[i][j] = share
            }
        }
        return 1 - inside[m][n]
    }

    @Test func samplesOfOneDistributionAgreeAndOthersDoNot() throws {
        var random = SeededGenerator(seed: 5)
        let comparator = try Self.samples(1e-6, columns: 2)
        #expect(comparator.falseRejectionProbability == 1e-6)
        func draw(_ count: Int, shift: Double) -> Payload {
            let first = (0..<count).map { _ in Self.normal(&random) }
            let second = (0..<count).map { _ in Self.normal(&random) * 3 + shift }
            return Payload(reals("c0", first), reals("c1", second))
        }
        #expect(comparator.difference(draw(4000, shift: 0), draw(3000, shift: 0)) == nil)
        let found = comparator.difference(draw(4000, shift: 0), draw(3000, shift: 1))
        #expect(found?.element == "c1 (distribution)")
        #expect(found.map { $0.distance > $0.tolerance } == true)
        #expect(comparator.difference(draw(0, shift: 0), draw(10, shift: 0))?.element == "c0 (empty)")
        #expect(comparator.difference(draw(0, shift: 0), draw(0, shift: 0)) == nil)
    }

    @Test func momentsWithinTheirErrorsAgree() throws {
        let rule = MomentRule(significance: 0.05, standardErrorMax: 2)
        let comparator = try ResultComparator(tableRule(.moments(rule), columns: 2))
        func differs(_ a: [[Double]], _ b: [[Double]]) -> Difference? {
            comparator.difference(Payload(rows: a, columns: 2), Payload(rows: b, columns: 2))
        }
        #expect(differs([[10, 0.3]], [[10.9, 0.4]]) == nil)
        let found = try #require(differs([[10, 0.3]], [[11, 0.4]]))
        #expect(found.element == "c0[0]")
        #expect(abs(found.distance - 2) < 1e-12 && abs(found.tolerance - 1.959_964) < 1e-6)
        #expect(differs([[10, 0]], [[10, 0]]) == nil)
        #expect(differs([[10, 0]], [[10.1, 0]])?.distance == .infinity)
        // A claim does not set its own tolerance.
        #expect(differs([[10, 0.3]], [[99, 50]])?.element == "c1[0]")
        #expect(differs([[10, -1]], [[10, -1]]) != nil)
        #expect(differs([[10, .nan]], [[10, 1]]) != nil)
        #expect(differs([[.infinity, 1]], [[.infinity, 1]]) != nil)
        #expect(differs([[1, 1]], [[1, 1], [2, 1]])?.element == "c0 (count)")
    }

    @Test func momentsRejectAsOftenAsStated() throws {
        let comparator = try ResultComparator(
            tableRule(.moments(MomentRule(significance: 0.1, standardErrorMax: 5)), columns: 2))
        var rejected = 0
        trials { random in
            func draw() -> Payload {
                Payload(
                    rows: (0..<4).map { row in [Self.normal(&random) * Double(row + 1), Double(row + 1)] }, columns: 2)
            }
            if comparator.difference(draw(), draw()) != nil { rejected += 1 }
            return nil
        }
        // 1 - (1 - 0.025)^4 = 0.0963 of 10,000, standard deviation 30.
        #expect((820...1000).contains(rejected))
    }

    @Test func lawsHoldForRandomSamples() throws {
        try trials { random in
            let significance = random.oneOf([0.5, 0.1, 1e-3])
            let a = (0..<random.nextIndex(below: 30)).map { _ in [random.grid(), 0.125 + random.grid(8)] }
            let b = (0..<random.nextIndex(below: 30)).map { _ in [random.grid(), 0.125 + random.grid(8)] }
            let (x, y) = (Payload(rows: a, columns: 2), Payload(rows: b, columns: 2))
            let samples = try Self.samples(significance, columns: 2)
            let found = samples.difference(x, y)
            if samples.difference(y, x) != found { return "not symmetric" }
            if samples.difference(x, x) != nil { return "not reflexive" }
            let mixed = Payload(rows: a.permuted(&random), columns: 2)
            if samples.difference(mixed, y)?.distance != found?.distance { return "the order of values matters" }
            if found == nil, try Self.samples(significance / 2, columns: 2).difference(x, y) != nil {
                return "a smaller significance tells them apart"
            }
            let count = min(a.count, b.count)
            let (p, q) = (
                Payload(rows: Array(a.prefix(count)), columns: 2), Payload(rows: Array(b.prefix(count)), columns: 2)
            )
            func moments(_ significance: Double) throws -> ResultComparator {
                try ResultComparator(
                    tableRule(.moments(MomentRule(significance: significance, standardErrorMax: 2)), columns: 2))
            }
            let parted = try moments(significance).difference(p, q)
            if try moments(significance).difference(q, p) != parted { return "moments are not symmetric" }
            if try moments(significance).difference(p, p) != nil { return "moments are not reflexive" }
            if parted == nil, try moments(significance / 2).difference(p, q) != nil {
                return "moments are not monotone"
            }
            return nil
        }
    }
}
