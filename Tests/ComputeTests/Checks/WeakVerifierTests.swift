import Bytes
import Compute
import Testing

/// Verifiers that are known to be too weak, hunted by the same falsifiers: they must miss, or the hunt finds nothing.
@Suite struct WeakVerifierTests {
    /// Freivalds' check with one vector of ±1 and an exact comparison.
    static func signsAgree(_ a: [Double], _ b: [Double], _ c: [Double], _ n: Int, _ challenge: UInt64) -> Bool {
        var source = SeededGenerator(seed: challenge)
        let r = (0..<n).map { _ in source.next() & 1 == 0 ? 1.0 : -1.0 }
        func times(_ m: [Double], _ v: [Double]) -> [Double] {
            (0..<n).map { row in
                var sum = 0.0
                for at in 0..<n { sum += m[row * n + at] * v[at] }
                return sum
            }
        }
        let (left, right) = (times(a, times(b, r)), times(c, r))
        return (0..<n).allSatisfy { abs(left[$0] - right[$0]) < 1e-9 }
    }

    @Test func signVectorsMissCancellingPairs() {
        let hunts = hunt(81) { source, _ in
            let n = 6
            let (a, b) = (source.vector(n * n), source.vector(n * n))
            let c = BLAS.product(rows: n, columns: n, inner: n, a, b)
            return Subject(
                claim: c, stale: source.vector(n * n), row: n, mustFind: { rowError($0, c, row: n) > 1e-6 },
                refuses: { $0.count != n * n || !Self.signsAgree(a, b, $0, n, $1) })
        }
        let pairs = hunts[.pair] ?? Hunt()
        #expect(pairs.above > 9000, "\(pairs)")
        // Half of all sign vectors have the same sign at both places.
        #expect(abs(Double(pairs.missed) / Double(pairs.above) - 0.5) < 0.05, "\(pairs)")
        #expect(hunts[.element]?.missed == 0)
    }

    /// The energy of an output against that of the input.
    @Test func parsevalMissesSwapsAndSigns() {
        let hunts = hunt(82, kinds: [.swap, .sign, .permutation, .element, .scale]) { source, _ in
            let x = source.vector(24)
            let y = TransformCheckTests.transform(.forward, x, 12)
            let energy = x.reduce(0) { $0 + $1 * $1 } * 12
            return Subject(
                claim: y, stale: y, row: 24, mustFind: { rowError($0, y, row: 24) > 1e-3 },
                refuses: { claim, _ in abs(claim.reduce(-energy) { $0 + $1 * $1 }) > 1e-9 * energy })
        }
        for kind in [Falsifier.swap, .sign, .permutation] {
            let hunt = hunts[kind] ?? Hunt()
            #expect(hunt.above > 5000 && hunt.missed == hunt.above, "\(kind): \(hunt)")
        }
        let element = hunts[.element] ?? Hunt()
        #expect(element.missed * 100 < element.above, "\(element)")
    }

    /// The very claims that the weak ones let pass are refused by the real ones.
    @Test func gaussianVectorsFindWhatSignsMiss() {
        var source = SeededGenerator(seed: 83)
        for challenge in 0..<10_000 {
            let n = 4
            let (a, b) = (source.vector(n * n), source.vector(n * n))
            var c = BLAS.product(rows: n, columns: n, inner: n, a, b)
            c[4] += 1e-3
            c[6] -= 1e-3
            let check = ProductCheck(
                MatrixOperand(a, rows: n, columns: n), MatrixOperand(b, rows: n, columns: n), trials: 2)
            #expect(check.verify(MatrixOperand(c, rows: n, columns: n), challenge: UInt64(challenge)).isRefused)
        }
    }
}
