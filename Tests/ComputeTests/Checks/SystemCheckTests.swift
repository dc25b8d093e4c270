import Bytes
import Compute
import Domain
import Testing

/// Solutions, least squares and eigenpairs.
@Suite struct SystemCheckTests {
    /// Square matrices of condition numbers from a few to 10^14.
    static func matrix(_ source: inout SeededGenerator, _ n: Int, _ scale: Double) -> [Double] {
        switch source.nextIndex(below: 3) {
        // Hilbert's matrix.
        case 0: return (0..<(n * n)).map { scale / Double($0 / n + $0 % n + 1) }
        // Nearly dependent rows.
        case 1:
            let row = source.vector(n)
            return (0..<(n * n)).map { scale * (row[$0 % n] + 1e-9 * source.signed()) }
        default: return source.vector(n * n, scale)
        }
    }

    static func times(_ a: [Double], _ x: [Double]) -> [Double] {
        (0..<(a.count / x.count)).map { row in
            var sum = 0.0
            for at in x.indices { sum += a[row * x.count + at] * x[at] }
            return sum
        }
    }

    static func largest(_ x: [Double]) -> Double { x.reduce(0) { max($0, abs($1)) } }
    static func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    @Test func noFalseSolutionPasses() {
        let hunts = hunt(61) { source, index in
            let n = 2 + index % 8
            let (a, b) = (source.vector(n * n, source.scale()), source.vector(n))
            let x = LAPACK.solve(a, b) ?? []
            let check = SolveCheck(MatrixOperand(a, rows: n, columns: n), b)
            let good = evidence(check.verify(x))
            #expect(good.missProbability == 0 && good.floor > 0)
            return Subject(
                claim: x, stale: LAPACK.solve(a, source.vector(n)) ?? [], row: n,
                mustFind: { claim in
                    // Twice the tolerance, which grows with the claim.
                    let growth = max(1, Self.largest(claim) / Self.largest(x))
                    let moved = Self.times(a, zip(claim, x).map { $0 / growth - $1 / growth })
                    return Self.largest(moved) > 2.5 * good.tolerance
                },
                refuses: { claim, _ in check.verify(claim).isRefused })
        }
        expectNoneMissed(hunts, "solve")
    }

    @Test func theFloorOfASolutionIsTrue() {
        var source = SeededGenerator(seed: 62)
        for _ in 0..<10_000 {
            let n = 2 + source.nextIndex(below: 6)
            let (a, b) = (source.vector(n * n), source.vector(n))
            let x = LAPACK.solve(a, b) ?? []
            let check = SolveCheck(MatrixOperand(a, rows: n, columns: n), b)
            var claim = x
            claim[source.nextIndex(below: n)] += 1.1 * evidence(check.verify(x)).floor
            #expect(check.verify(claim).isRefused)
        }
    }

    @Test func honestSolutionsAlwaysPass() {
        var source = SeededGenerator(seed: 63)
        var solved = 0
        for _ in 0..<11_000 {
            let n = 1 + source.nextIndex(below: 16)
            let a = Self.matrix(&source, n, source.scale())
            let b = source.vector(n, source.scale())
            guard let x = LAPACK.solve(a, b) else { continue }
            solved += 1
            let proof = SolveCheck(MatrixOperand(a, rows: n, columns: n), b).verify(x)
            #expect(proof.isHeld, "\(proof)")
        }
        #expect(solved >= 10_000)
    }

    @Test func noFalseMinimiserPasses() {
        let hunts = hunt(64) { source, index in
            let (m, n) = (6 + index % 9, 2 + index % 4)
            let (a, b) = (source.vector(m * n, source.scale()), source.vector(m))
            let x = LAPACK.leastSquares(a, b, columns: n) ?? []
            let check = LeastSquaresCheck(MatrixOperand(a, rows: m, columns: n), b)
            let good = evidence(check.verify(x))
            return Subject(
                claim: x, stale: LAPACK.leastSquares(a, source.vector(m), columns: n) ?? [], row: n,
                mustFind: { claim in
                    let growth: Double = 4 * max(1, Self.largest(claim) / Self.largest(x))
                    let moved = Self.times(a, zip(claim, x).map { $0 / growth - $1 / growth })
                    return (0..<n).contains { j in
                        var product = 0.0
                        for i in 0..<m { product += a[i * n + j] * moved[i] }
                        return abs(product) > 2.5 * good.tolerance
                    }
                },
                refuses: { claim, _ in check.verify(claim).isRefused })
        }
        expectNoneMissed(hunts, "least squares")
    }

    @Test func honestMinimisersAlwaysPassWithTheirNorms() {
        var source = SeededGenerator(seed: 65)
        for _ in 0..<10_000 {
            let n = 1 + source.nextIndex(below: 8)
            let m = n + source.nextIndex(below: 20)
            var a = source.vector(m * n, source.scale())
            // Columns of very different size, as polynomials have.
            if source.next() & 1 == 0 {
                for at in a.indices { a[at] *= [1, 1e-3, 1e3, 1e-6][at % n % 4] }
            }
            let b = source.vector(m, source.scale())
            guard let x = LAPACK.leastSquares(a, b, columns: n) else { continue }
            let residual = zip(b, Self.times(a, x)).map { $0 - $1 }
            let check = LeastSquaresCheck(MatrixOperand(a, rows: m, columns: n), b)
            let proof = check.verify(x, residualNorm: Self.norm(residual))
            #expect(proof.isHeld, "\(m) \(n) \(proof)")
            #expect(check.verify(x, residualNorm: Self.norm(residual) + Self.norm(b) * 0.01).isRefused)
        }
    }

    static func symmetric(_ source: inout SeededGenerator, _ n: Int, _ scale: Double) -> [Double] {
        var a = source.vector(n * n, scale)
        // Repeated eigenvalues now and then.
        if source.nextIndex(below: 4) == 0 { a = (0..<(n * n)).map { $0 / n == $0 % n ? scale : scale / 2 } }
        for row in 0..<n {
            for column in 0..<row { a[row * n + column] = a[column * n + row] }
        }
        return a
    }

    @Test func noFalseEigenpairsPass() {
        let hunts = hunt(66) { source, index in
            let n = 2 + index % 7
            let a = Self.symmetric(&source, n, source.scale())
            let pairs = LAPACK.eigenpairs(a, n) ?? ([], [])
            let stale = LAPACK.eigenpairs(Self.symmetric(&source, n, a[0] + a[1]), n) ?? ([], [])
            let check = EigenCheck(MatrixOperand(a, rows: n, columns: n))
            func verify(_ claim: [Double], _ challenge: UInt64) -> Proof {
                let vectors = MatrixOperand(Array(claim.dropFirst(n)), rows: n, columns: n)
                return check.verify(
                    values: Array(claim.prefix(n)), vectors: vectors, isComplete: true, challenge: challenge)
            }
            let claim = pairs.values + pairs.vectors
            let floor = evidence(verify(claim, source.next())).floor
            return Subject(
                claim: claim, stale: stale.values + stale.vectors, row: n,
                mustFind: { EigenError(a, $0, n).isAbove(floor, Self.norm(a)) },
                refuses: { verify($0, $1).isRefused })
        }
        expectNoneMissed(hunts, "eigenpairs")
    }

    /// What a false claim of eigenpairs amounts to.
    struct EigenError {
        /// Largest norm over the components j of (A v[i] - λ[i] v[i])[j], taken over the pairs i.
        var residual = 0.0
        /// Largest norm of a row of V·Vᵀ - I.
        var skew = 0.0

        init(_ a: [Double], _ claim: [Double], _ n: Int) {
            let vectors = (0..<n).map { Array(claim[(n + $0 * n)..<(2 * n + $0 * n)]) }
            let errors = vectors.indices.map { i in
                zip(SystemCheckTests.times(a, vectors[i]), vectors[i]).map { $0 - claim[i] * $1 }
            }
            for j in 0..<n { residual = max(residual, SystemCheckTests.norm(errors.map { $0[j] })) }
            for i in 0..<n {
                var row = SystemCheckTests.times(vectors.flatMap { $0 }, vectors[i])
                row[i] -= 1
                skew = max(skew, SystemCheckTests.norm(row))
            }
        }

        /// The tolerance of orthonormality is at most 8 / |A| of that of the residuals.
        func isAbove(_ floor: Double, _ norm: Double) -> Bool {
            !(residual < floor) || !(skew < 8 * floor / norm)
        }
    }

    @Test func honestEigenpairsAlwaysPass() {
        var source = SeededGenerator(seed: 67)
        for _ in 0..<10_000 {
            let n = 1 + source.nextIndex(below: 10)
            let a = Self.symmetric(&source, n, source.scale())
            guard let pairs = LAPACK.eigenpairs(a, n) else { continue }
            let check = EigenCheck(MatrixOperand(a, rows: n, columns: n))
            let some = 1 + source.nextIndex(below: n)
            let proof = check.verify(
                values: Array(pairs.values.suffix(some)),
                vectors: MatrixOperand(Array(pairs.vectors.suffix(some * n)), rows: some, columns: n),
                isComplete: some == n, challenge: source.next())
            #expect(proof.isHeld, "\(n) \(some) \(proof)")
        }
    }

    /// One pair twice in place of two pairs: every residual is small.
    @Test func aRepeatedPairIsRefused() throws {
        var source = SeededGenerator(seed: 68)
        let square = Self.symmetric(&source, 6, 1)
        var (values, vectors) = try #require(LAPACK.eigenpairs(square, 6))
        values[4] = values[5]
        for at in 0..<6 { vectors[24 + at] = vectors[30 + at] }
        let check = EigenCheck(MatrixOperand(square, rows: 6, columns: 6))
        let claim = MatrixOperand(vectors, rows: 6, columns: 6)
        #expect(check.verify(values: values, vectors: claim, isComplete: true, challenge: 1).isRefused)
        let few = MatrixOperand(Array(vectors.prefix(24)), rows: 4, columns: 6)
        #expect(check.verify(values: Array(values.prefix(4)), vectors: few, isComplete: false, challenge: 1).isHeld)
        #expect(
            check.verify(values: Array(values.prefix(4)), vectors: few, isComplete: true, challenge: 1).isRefused)
    }
}
