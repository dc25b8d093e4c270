import Bytes
import Compute
import Domain
import Testing

/// Cholesky and LU factors.
@Suite struct FactorCheckTests {
    /// Positive definite, with condition numbers up to 10^12.
    static func definite(_ source: inout SeededGenerator, _ n: Int, _ scale: Double) -> [Double] {
        let g = source.vector(n * n)
        let grading = (0..<n).map { _ in source.next() & 1 == 0 ? 1 : source.nextUnit() * 1e-3 + 1e-6 }
        var a = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            for j in 0...i {
                let sum = (0..<n).reduce(0.0) { $0 + g[i * n + $1] * g[j * n + $1] }
                a[i * n + j] = scale * grading[i] * grading[j] * (sum + (i == j ? 0.5 : 0))
                a[j * n + i] = a[i * n + j]
            }
        }
        return a
    }

    static func squared(_ l: [Double], _ n: Int) -> [Double] {
        (0..<(n * n)).map { at in
            let (i, j) = (at / n, at % n)
            return (0...min(i, j)).reduce(0.0) { $0 + l[i * n + $1] * l[j * n + $1] }
        }
    }

    @Test func noFalseCholeskyFactorPasses() throws {
        let hunts = hunt(51) { source, index in
            let n = 2 + index % 7
            let a = Self.definite(&source, n, source.scale())
            let stale = LAPACK.cholesky(Self.definite(&source, n, a[0]), n) ?? []
            let l = LAPACK.cholesky(a, n) ?? []
            let (check, product) = (CholeskyCheck(MatrixOperand(a, rows: n, columns: n)), Self.squared(l, n))
            let floor = evidence(check.verify(MatrixOperand(l, rows: n, columns: n), challenge: source.next())).floor
            return Subject(
                claim: l, stale: stale, row: n,
                mustFind: { claim in
                    // Anything above the diagonal is false; below it errors count as they enter L·Lᵀ, whose bound
                    // grows with the claim.
                    let isTriangular = (0..<(n * n)).allSatisfy { $0 % n <= $0 / n || claim[$0] == 0 }
                    let growth = claim.reduce(0) { max($0, abs($1)) } / l.reduce(0) { max($0, abs($1)) }
                    let allowed = floor * max(1, growth * growth)
                    return !isTriangular || rowError(Self.squared(claim, n), product, row: n) >= allowed
                },
                refuses: { check.verify(MatrixOperand($0, rows: n, columns: n), challenge: $1).isRefused })
        }
        expectNoneMissed(hunts, "Cholesky")
    }

    static func multiplied(_ lu: [Double], _ n: Int) -> [Double] {
        (0..<(n * n)).map { at in
            let (i, j) = (at / n, at % n)
            return (0...min(i, j)).reduce(0.0) { $0 + (i == $1 ? 1 : lu[i * n + $1]) * lu[$1 * n + j] }
        }
    }

    @Test func noFalseLUFactorsPass() {
        let hunts = hunt(52) { source, index in
            let n = 2 + index % 7
            let a = source.vector(n * n, source.scale())
            let (factors, permutation) = LAPACK.lu(a, n) ?? ([], [])
            let stale = LAPACK.lu(source.vector(n * n, a[0]), n)?.factors ?? []
            let (check, product) = (LUCheck(MatrixOperand(a, rows: n, columns: n)), Self.multiplied(factors, n))
            let claim = MatrixOperand(factors, rows: n, columns: n)
            let floor = evidence(check.verify(claim, permutation: permutation, challenge: source.next())).floor
            return Subject(
                claim: factors, stale: stale, row: n,
                mustFind: { claim in
                    let growth = claim.reduce(0) { max($0, abs($1)) } / factors.reduce(0) { max($0, abs($1)) }
                    let allowed = floor * max(1, growth * growth) * Double(n)
                    return rowError(Self.multiplied(claim, n), product, row: n) >= allowed
                },
                refuses: {
                    check.verify(MatrixOperand($0, rows: n, columns: n), permutation: permutation, challenge: $1)
                        .isRefused
                })
        }
        expectNoneMissed(hunts, "LU")
    }

    @Test func honestFactorsAlwaysPass() {
        var source = SeededGenerator(seed: 53)
        for _ in 0..<10_000 {
            let n = 1 + source.nextIndex(below: 16)
            let a = Self.definite(&source, n, source.scale())
            // The worst conditioned of them are no longer definite in double precision.
            if let l = LAPACK.cholesky(a, n) {
                let proof = CholeskyCheck(MatrixOperand(a, rows: n, columns: n))
                    .verify(MatrixOperand(l, rows: n, columns: n), challenge: source.next())
                #expect(proof.isHeld, "\(proof)")
            }
            let b = source.next() & 1 == 0 ? a : source.vector(n * n, source.scale())
            guard let (factors, permutation) = LAPACK.lu(b, n) else { continue }
            let proof = LUCheck(MatrixOperand(b, rows: n, columns: n)).verify(
                MatrixOperand(factors, rows: n, columns: n), permutation: permutation, challenge: source.next())
            #expect(proof.isHeld, "\(proof)")
        }
    }

    @Test func falsePermutationsAreRefused() throws {
        var source = SeededGenerator(seed: 54)
        for _ in 0..<10_000 {
            let n = 2 + source.nextIndex(below: 6)
            let a = source.vector(n * n)
            let (factors, honest) = try #require(LAPACK.lu(a, n))
            var claim = honest
            let (i, j) = (source.nextIndex(below: n), source.nextIndex(below: n))
            switch source.nextIndex(below: 5) {
            case 0: claim.swapAt(i, j)
            case 1: claim[i] = honest[j]
            case 2: claim[i] = [-1, n, Int.max, Int.min][source.nextIndex(below: 4)]
            case 3: claim.removeLast()
            default: claim.append(n)
            }
            guard claim != honest else { continue }
            let proof = LUCheck(MatrixOperand(a, rows: n, columns: n)).verify(
                MatrixOperand(factors, rows: n, columns: n), permutation: claim, challenge: source.next())
            #expect(proof.isRefused, "\(honest) became \(claim)")
        }
    }

    /// L·D·D·Lᵀ with signs D has the same product; the diagonal tells.
    @Test func aColumnOfOtherSignIsRefused() throws {
        var source = SeededGenerator(seed: 55)
        let a = Self.definite(&source, 4, 1)
        var l = try #require(LAPACK.cholesky(a, 4))
        for row in 0..<4 { l[row * 4 + 2] = -l[row * 4 + 2] }
        let proof = CholeskyCheck(MatrixOperand(a, rows: 4, columns: 4))
            .verify(MatrixOperand(l, rows: 4, columns: 4), challenge: 1)
        guard case .fails(let difference, _) = proof else { return #expect(Bool(false), "\(proof)") }
        #expect(difference.element == "L[2,2]")
    }

    @Test func inputsOfTheProjectConvictNobody() {
        let lopsided = MatrixOperand([2.0, 9, 1, 2], rows: 2, columns: 2)
        let factor = LAPACK.cholesky(lopsided.values, 2) ?? []
        guard
            case .undecided = CholeskyCheck(lopsided).verify(
                MatrixOperand(factor, rows: 2, columns: 2), challenge: 1)
        else {
            Issue.record("a matrix that is not symmetric convicted")
            return
        }
        let strange = MatrixOperand([2.0, .nan, 1, 2], rows: 2, columns: 2)
        #expect(!LUCheck(strange).verify(lopsided, permutation: [0, 1], challenge: 1).isHeld)
    }
}
