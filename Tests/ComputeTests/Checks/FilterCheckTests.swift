import Bytes
import Compute
import Testing

/// The projection of convolutions, against sums by definition.
@Suite struct FilterCheckTests {
    static let kinds: [FilterCheck.Kind] = [.full, .causal, .circular]

    static func filtered(_ kind: FilterCheck.Kind, _ h: [Double], _ x: [Double]) -> [Double] {
        var y = [Double](repeating: 0, count: x.count + h.count - 1)
        for (k, factor) in h.enumerated() {
            for (n, value) in x.enumerated() { y[k + n] += factor * value }
        }
        switch kind {
        case .full: return y
        case .causal: return Array(y[..<x.count])
        case .circular:
            for at in x.count..<max(x.count, y.count) { y[at % x.count] += y[at] }
            return Array(y[..<x.count])
        }
    }

    static func subject<S: CheckedReal & Claimable>(
        _ kind: FilterCheck.Kind, _ source: inout SeededGenerator, _ index: Int
    ) -> Subject<S> {
        let (length, taps) = (2 + index % 12, 1 + index % 9)
        let scale = S.self == Float.self ? 1 : source.scale()
        let h = source.vector(taps)
        let x = source.vector(length, scale).map { S($0) }
        let y = filtered(kind, h, x.map { Double($0) }).map { S($0) }
        let stale = filtered(kind, h, source.vector(length, scale)).map { S($0) }
        let floor = evidence(
            FilterCheck(kind, filter: h, length: length, challenge: source.next()).verify(input: x, output: y)
        ).floor
        let checks = (0..<20).map { _ in FilterCheck(kind, filter: h, length: length, challenge: source.next()) }
        return Subject(
            claim: y, stale: stale, row: y.count, mustFind: { rowError($0, y, row: y.count) >= floor },
            refuses: { checks[Int($1 % 20)].verify(input: x, output: $0).isRefused })
    }

    @Test(arguments: kinds) func noFalseFilteringPasses(_ kind: FilterCheck.Kind) {
        let hunts = hunt(41) { source, index in Self.subject(kind, &source, index) as Subject<Double> }
        expectNoneMissed(hunts, "double \(kind)")
        let single = hunt(42) { source, index in Self.subject(kind, &source, index) as Subject<Float> }
        expectNoneMissed(single, "single \(kind)")
    }

    @Test(arguments: kinds) func honestFilteringAlwaysPasses(_ kind: FilterCheck.Kind) {
        var source = SeededGenerator(seed: 43)
        for index in 0..<10_000 {
            let (length, taps) = (1 + index % 23, 1 + index % 31)
            let h = source.vector(taps, source.scale())
            let scale = source.scale()
            let x =
                index % 3 == 0 ? [Double](repeating: scale, count: length) : source.vector(length, scale)
            let check = FilterCheck(kind, filter: h, length: length, challenge: source.next())
            let proof = check.verify(input: x, output: Self.filtered(kind, h, x))
            #expect(proof.isHeld, "\(length) \(taps) \(proof)")
        }
    }

    /// Long filters take the way through FFTs; the claim is still summed by definition.
    @Test(arguments: kinds) func longFiltersAreProjectedByTransforms(_ kind: FilterCheck.Kind) {
        var source = SeededGenerator(seed: 44)
        for (length, taps) in [(1500, 900), (1025, 1100), (700, 3000)] {
            let (h, x) = (source.vector(taps), source.vector(length, 1e6))
            let check = FilterCheck(kind, filter: h, length: length, challenge: source.next())
            var y = Self.filtered(kind, h, x)
            let proof = check.verify(input: x, output: y)
            #expect(proof.isHeld, "\(proof)")
            y.swapAt(3, y.count - 2)
            #expect(check.verify(input: x, output: y).isRefused)
        }
    }

    @Test func strangeSizesAndInputsConvictNobody() {
        for (taps, length) in [(0, 5), (5, 0), (1, -1), (1, .max)] {
            let check = FilterCheck(.full, filter: [Double](repeating: 1, count: taps), length: length, challenge: 1)
            guard case .undecided = check.verify(input: [1.0], output: [1.0]) else {
                Issue.record("\(taps) taps on \(length) numbers were judged")
                continue
            }
        }
        for filter in [[Double.nan], [.infinity, 1]] {
            let check = FilterCheck(.causal, filter: filter, length: 1, challenge: 1)
            #expect(!check.verify(input: [1.0], output: [1.0]).isRefused)
        }
    }
}
