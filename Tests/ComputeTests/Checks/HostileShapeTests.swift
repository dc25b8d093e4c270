import Bytes
import Compute
import Testing

/// Sizes from the wire: refused by counting, without traps and without memory.
@Suite struct HostileShapeTests {
    static let sizes = [0, -1, Int.min, Int.max, Int.max / 2, 1 << 24, (1 << 24) + 1, 1 << 62]

    @Test func hostileSizesAreRefused() {
        let good = MatrixOperand([1.0, 2, 3, 4], rows: 2, columns: 2)
        for rows in Self.sizes {
            for columns in Self.sizes {
                for leading in [nil, 0, -1, Int.max, Int.min, 1] {
                    for transposed in [false, true] {
                        let claim = MatrixOperand(
                            [1.0, 2, 3, 4], rows: rows, columns: columns, leading: leading, transposed: transposed)
                        #expect(claim.fault != nil)
                        guard case .malformed = ProductCheck(good, good).verify(claim, challenge: 1) else {
                            Issue.record("\(rows) x \(columns) was taken for a product")
                            continue
                        }
                        #expect(!ProductCheck(claim, good).verify(good, challenge: 1).isHeld)
                        #expect(!ProductBatch(left: claim, challenge: 1).verify(good, good).isHeld)
                        #expect(CholeskyCheck(good).verify(claim, challenge: 1).isRefused)
                        #expect(LUCheck(good).verify(claim, permutation: [0, 1], challenge: 1).isRefused)
                        #expect(!SolveCheck(claim, [1, 2]).verify([1, 2]).isHeld)
                        #expect(!LeastSquaresCheck(claim, [1, 2]).verify([1, 2]).isHeld)
                        #expect(
                            EigenCheck(good).verify(
                                values: [1, 2], vectors: claim, isComplete: false, challenge: 1
                            ).isRefused)
                    }
                }
                let whole = MatrixOperand([Int64(1)], rows: rows, columns: columns)
                #expect(!FieldProductCheck(whole, whole).verify(whole, challenge: 1).isHeld)
            }
        }
    }

    @Test func aLastRowMayEndWithItsLastElement() {
        #expect(MatrixOperand([1, 2, 0, 3, 4], rows: 2, columns: 2, leading: 3).fault == nil)
        #expect(MatrixOperand([1, 2, 0, 3, 4, 0], rows: 2, columns: 2, leading: 3).fault == nil)
        #expect(MatrixOperand([1, 2, 0, 3], rows: 2, columns: 2, leading: 3).fault != nil)
        #expect(MatrixOperand([1.0, 2], rows: 1, columns: 2, part: .lower).fault != nil)
    }

    /// A trillion trials are eight.
    @Test func trialsAreBounded() {
        let good = MatrixOperand([1.0, 2, 3, 4], rows: 2, columns: 2)
        #expect(ProductCheck(good, good, trials: .max).trials == 8)
        #expect(TransformCheck(.forward, size: 4, trials: .min, challenge: 1).trials == 1)
        let one = MatrixOperand([Int64(1)], rows: 1, columns: 1)
        #expect(FieldProductCheck(one, one, trials: .max).trials == 8)
    }

    /// The kernel for newer processors and the one for all of them.
    @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 511, 512]) func kernelsAgree(_ count: Int) {
        var source = SeededGenerator(seed: UInt64(count))
        for weights in 0...2 {
            let x = source.vector(count)
            var vectors = [source.vector(count), source.vector(count), source.vector(count), source.vector(count)]
            if weights == 1 { vectors[3] = vectors[2] }
            let pairs = [
                RowSums.both(x, vectors, weights: weights),
                RowSums.both(x.map { Float($0) }, vectors, weights: weights),
            ]
            for (which, pair) in pairs.enumerated() {
                var expected = SIMD4<Double>()
                for at in 0..<count {
                    let value = which == 0 ? x[at] : Double(Float(x[at]))
                    let scaled = weights == 0 ? 0 : value * vectors[3][at]
                    expected += SIMD4(
                        value * vectors[0][at], value * vectors[1][at], abs(value) * vectors[2][at], scaled * scaled)
                }
                for sums in [pair.fast ?? expected, pair.portable] {
                    let off = sums - expected
                    #expect((off * off).sum() < 1e-26 * Double(count * count), "\(sums) \(expected)")
                }
            }
        }
    }

    @Test func claimsOfTheSameChallengeAreJudgedAlike() {
        var one = Challenge(5, stream: 1)
        var two = Challenge(5, stream: 1)
        var other = Challenge(5, stream: 2)
        let (first, again, different) = (one.gaussians(9), two.gaussians(9), other.gaussians(9))
        #expect(first == again && first != different)
        let draws = one.gaussians(20_000)
        let mean = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + $1 * $1 } / 20_000
        let fourth = draws.map { $0 * $0 }.reduce(0) { $0 + $1 * $1 } / 20_000
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05 && abs(fourth - 3) < 0.3)
        let (few, all, elements) = (two.indices(3, below: 10), two.indices(30, below: 4), two.fieldElements(1000))
        #expect(Set(few).count == 3 && all == [0, 1, 2, 3])
        #expect(elements.allSatisfy { $0 < Mersenne61.modulus })
    }
}
