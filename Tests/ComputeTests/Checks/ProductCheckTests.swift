import Bytes
import Compute
import Domain
import Testing

/// Freivalds' check in floating point.
@Suite struct ProductCheckTests {
    /// op(A)·op(B) added up term by term.
    static func product<S: CheckedReal>(_ a: MatrixOperand<S>, _ b: MatrixOperand<S>) -> [S] {
        var c = [S](repeating: 0, count: a.rows * b.columns)
        for i in 0..<a.rows {
            for j in 0..<b.columns {
                var sum: S = 0
                for l in 0..<a.columns {
                    sum +=
                        a.values[a.isTransposed ? l * a.leading + i : i * a.leading + l]
                        * b.values[b.isTransposed ? j * b.leading + l : l * b.leading + j]
                }
                c[i * b.columns + j] = sum
            }
        }
        return c
    }

    static func operand<S: CheckedReal>(
        _ source: inout SeededGenerator, _ rows: Int, _ columns: Int, _ scale: Double
    ) -> MatrixOperand<S> {
        let isTransposed = source.next() & 1 == 0
        let leading = (isTransposed ? rows : columns) + source.nextIndex(below: 3)
        let count = (isTransposed ? columns : rows) * leading
        let values: [S]
        switch source.nextIndex(below: 4) {
        // Nearly equal rows: an ill-conditioned matrix. Constant ones: all roundings alike. Graded over 12 decades.
        case 0: values = (0..<count).map { S(scale * (1 + 1e-7 * Double($0))) }
        case 1: values = [S](repeating: S(scale * source.nextUnit()), count: count)
        case 2: values = source.vector(count).map { S($0 * scale / source.scale().squareRoot()) }
        default: values = source.vector(count).map { S($0 * scale) }
        }
        return MatrixOperand(values, rows: rows, columns: columns, leading: leading, transposed: isTransposed)
    }

    static func subject<S: CheckedReal & Claimable>(_ source: inout SeededGenerator, _ index: Int) -> Subject<S> {
        let (m, k, n) = (2 + index % 7, 1 + index % 9, 2 + index % 5)
        let scale = source.scale().squareRoot()
        let a = MatrixOperand(source.vector(m * k).map { S($0 * scale) }, rows: m, columns: k)
        let b = MatrixOperand(source.vector(k * n).map { S($0) }, rows: k, columns: n)
        let other = MatrixOperand(source.vector(m * k).map { S($0 * scale) }, rows: m, columns: k)
        let c = product(a, b)
        let check = ProductCheck(a, b)
        let floor = evidence(check.verify(MatrixOperand(c, rows: m, columns: n), challenge: source.next())).floor
        return Subject(
            claim: c, stale: product(other, b), row: n, mustFind: { rowError($0, c, row: n) >= floor },
            refuses: { check.verify(MatrixOperand($0, rows: m, columns: n), challenge: $1).isRefused })
    }

    @Test func noFalseDoubleProductPasses() {
        expectNoneMissed(hunt(11) { source, index in Self.subject(&source, index) as Subject<Double> }, "double")
    }

    @Test func noFalseSingleProductPasses() {
        expectNoneMissed(hunt(12) { source, index in Self.subject(&source, index) as Subject<Float> }, "single")
    }

    @Test func noFalseProductOfABatchPasses() {
        let hunts = hunt(13) { source, index in
            let (m, k, n) = (2 + index % 7, 1 + index % 9, 2 + index % 5)
            let a = MatrixOperand(source.vector(m * k), rows: m, columns: k)
            let b = MatrixOperand(source.vector(k * n), rows: k, columns: n)
            let (c, floor) = (
                Self.product(a, b),
                evidence(
                    ProductBatch(left: a, challenge: source.next())
                        .verify(b, MatrixOperand(Self.product(a, b), rows: m, columns: n))
                ).floor
            )
            // The common factor stands on the left: errors are seen column by column.
            return Subject(
                claim: c, stale: source.vector(m * n), row: n,
                mustFind: { claim in
                    (0..<n).contains { column in
                        let lines = stride(from: column, to: m * n, by: n)
                        return rowError(lines.map { claim[$0] }, lines.map { c[$0] }, row: m) >= floor
                    }
                },
                refuses: {
                    ProductBatch(left: a, challenge: $1).verify(b, MatrixOperand($0, rows: m, columns: n)).isRefused
                })
        }
        expectNoneMissed(hunts, "batch")
    }

    @Test(arguments: [true, false]) func honestProductsAlwaysPass(_ isDouble: Bool) {
        var source = SeededGenerator(seed: isDouble ? 14 : 15)
        var largest = 0.0
        for _ in 0..<10_000 {
            largest = max(
                largest, isDouble ? Self.honestShare(&source, Double.self) : Self.honestShare(&source, Float.self))
        }
        #expect(largest <= 1)
        // A bound that is never used to a thousandth would be no measure of anything.
        #expect(largest > 0.001)
    }

    static func honestShare<S: CheckedReal>(_ source: inout SeededGenerator, _: S.Type) -> Double {
        let (m, k, n) = (
            1 + source.nextIndex(below: 9), 1 + source.nextIndex(below: 24), 1 + source.nextIndex(below: 9)
        )
        let scale = source.scale()
        let a: MatrixOperand<S> = operand(&source, m, k, scale)
        let b: MatrixOperand<S> = operand(&source, k, n, source.next() & 1 == 0 ? 1 : 1 / scale)
        let c = MatrixOperand(product(a, b), rows: m, columns: n)
        let models: [RoundingModel] = [.probable, .worstCase]
        let trials = 1 + source.nextIndex(below: 4)
        let rounding = models[source.nextIndex(below: 2)]
        let challenge = source.next()
        let first = evidence(ProductCheck(a, b, trials: trials, rounding: rounding).verify(c, challenge: challenge))
        let batch = evidence(ProductBatch(left: a, rounding: rounding, challenge: challenge).verify(b, c))
        return max(first.share, batch.share)
    }

    /// Long sums of constants round all in one direction, which the square root of the rounding model does not foresee.
    @Test(arguments: [64, 300, 1024, 5000, 40_000]) func longConstantSumsPass(_ k: Int) {
        BLAS.setThreads(1)
        var source = SeededGenerator(seed: UInt64(k))
        for _ in 0..<40 {
            let (x, y) = (Float(source.nextUnit() + 0.01), Float(source.nextUnit() + 0.01))
            let a = MatrixOperand([Float](repeating: x, count: 3 * k), rows: 3, columns: k)
            let b = MatrixOperand([Float](repeating: y, count: 5 * k), rows: k, columns: 5)
            var c = [Float](repeating: 0, count: 15)
            BLAS.multiply(a, b, into: &c)
            let proof = ProductCheck(a, b).verify(MatrixOperand(c, rows: 3, columns: 5), challenge: source.next())
            #expect(proof.isHeld, "\(proof)")
            // Added up one by one, which no library does.
            c = Self.product(a, b)
            let rounding: RoundingModel = k > 1024 ? .worstCase : .probable
            let plain = ProductCheck(a, b, rounding: rounding)
            #expect(plain.verify(MatrixOperand(c, rows: 3, columns: 5), challenge: source.next()).isHeld)
        }
    }

    @Test func productsOfTheLibraryPass() {
        BLAS.setThreads(1)
        var source = SeededGenerator(seed: 16)
        for (m, k, n) in [(130, 257, 61), (64, 1100, 3), (1, 1, 1), (33, 5, 700)] {
            let a: MatrixOperand<Double> = Self.operand(&source, m, k, 1e6)
            let b: MatrixOperand<Double> = Self.operand(&source, k, n, 1e-3)
            var c = [Double](repeating: 0, count: m * n)
            BLAS.multiply(a, b, into: &c)
            var proof = ProductCheck(a, b).verify(MatrixOperand(c, rows: m, columns: n), challenge: source.next())
            #expect(proof.isHeld, "\(proof)")
            c[m * n - 1] *= 1.001
            proof = ProductCheck(a, b).verify(MatrixOperand(c, rows: m, columns: n), challenge: source.next())
            guard case .fails(let difference, _) = proof else { return #expect(Bool(false), "\(proof)") }
            #expect(difference.element == "C[\(m - 1),\(n - 1)]" && difference.distance > difference.tolerance)
        }
    }

    /// The exact text of a conviction, and what a passed check states.
    @Test func statementsAreExact() {
        let a = MatrixOperand([1.0, 2, 3, 4], rows: 2, columns: 2)
        let check = ProductCheck(a, a, trials: 3)
        let good = evidence(check.verify(MatrixOperand([7.0, 10, 15, 22], rows: 2, columns: 2), challenge: 5))
        #expect(good.cost.jobFlops == 16 && good.cost.checkFlops == 12 * 11)
        #expect(good.missProbability == 1e-6 && good.floor > 100 * good.tolerance && good.floor < 1e-10)
        let miss = GaussianStrength.miss(error: good.floor, tolerance: good.tolerance, trials: 3)
        #expect(abs(miss - 1e-6) < 1e-9)
        let bad = check.verify(MatrixOperand([7.0, 10, 15.5, 22], rows: 2, columns: 2), challenge: 5)
        guard case .fails(let difference, let text) = bad else { return #expect(Bool(false), "\(bad)") }
        #expect(difference.element == "C[1,0]")
        #expect(text.contains("15.5 claimed, 15.0 by recomputation"))
    }

    /// What the floor promises is also true just above the tolerance: the share of misses is as stated or less.
    @Test func missesAreAsRareAsStated() {
        let a = MatrixOperand([1.0, 2, 3, 4], rows: 2, columns: 2)
        let check = ProductCheck(a, a, trials: 1)
        let tolerance = evidence(
            check.verify(MatrixOperand([7.0, 10, 15, 22], rows: 2, columns: 2), challenge: 5)
        ).tolerance
        var missed = 0
        let error = 40 * tolerance
        for challenge in 0..<20_000 {
            let claim = MatrixOperand([7 + error, 10 - error, 15, 22], rows: 2, columns: 2)
            if check.verify(claim, challenge: UInt64(challenge)).isHeld { missed += 1 }
        }
        let stated = GaussianStrength.miss(
            error: error * 2.0.squareRoot(), tolerance: tolerance, trials: 1)
        #expect(missed > 0, "an error near the tolerance must be missed now and then")
        #expect(Double(missed) / 20_000 < stated)
    }

    @Test func inputsOfTheProjectConvictNobody() {
        let good = MatrixOperand([1.0, 2, 3, 4], rows: 2, columns: 2)
        let strange = MatrixOperand([1.0, .nan, 3, 4], rows: 2, columns: 2)
        let large = MatrixOperand([1e300, 2, 3, 4], rows: 2, columns: 2)
        for (a, b) in [(strange, good), (good, strange), (large, large)] {
            guard case .undecided = ProductCheck(a, b).verify(good, challenge: 1) else {
                #expect(Bool(false), "a project's input convicted")
                continue
            }
        }
        // The true product is beyond the range of Float, and infinity is its honest answer.
        let wide = MatrixOperand([Float](repeating: 1e30, count: 4), rows: 2, columns: 2)
        let infinite = MatrixOperand([Float](repeating: .infinity, count: 4), rows: 2, columns: 2)
        guard case .undecided = ProductCheck(wide, wide).verify(infinite, challenge: 1) else {
            #expect(Bool(false), "an honest overflow convicted")
            return
        }
    }
}
