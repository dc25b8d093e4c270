import Bytes
import Compute
import Testing

/// Freivalds' check with factors that come in slabs.
@Suite struct SlabProductTests {
    typealias Operand = MatrixOperand<Double>

    /// Some columns of a left factor, which is stored in either way.
    private static func left(_ a: Operand, _ terms: Range<Int>) -> Operand {
        let lines = a.isTransposed ? terms.map { $0 * a.leading } : (0..<a.rows).map { $0 * a.leading }
        let places = a.isTransposed ? 0..<a.rows : terms
        let values = lines.flatMap { line in places.map { a.values[line + $0] } }
        return Operand(values, rows: a.rows, columns: terms.count, transposed: a.isTransposed)
    }

    private static func verify(
        _ a: Operand, _ b: Operand, _ c: [Double], slab: Int, challenge: UInt64
    ) -> Proof {
        var check = SlabProductCheck(rows: a.rows, columns: b.columns, inner: a.columns, challenge: challenge)
        for start in stride(from: 0, to: a.columns, by: slab) {
            let terms = start..<min(a.columns, start + slab)
            check.add(left(a, terms), left(b.transpose, terms).transpose)
        }
        return check.verify(Operand(c, rows: a.rows, columns: b.columns))
    }

    @Test func noFalseProductPasses() {
        let hunts = hunt(16) { source, index in
            let (m, k, n) = (2 + index % 7, 1 + index % 40, 2 + index % 5)
            let a = Operand(source.vector(m * k), rows: m, columns: k)
            let b = Operand(source.vector(k * n), rows: n, columns: k).transpose
            let c = ProductCheckTests.product(a, b)
            let slab = 1 + source.nextIndex(below: k)
            let floor = evidence(Self.verify(a, b, c, slab: slab, challenge: source.next())).floor
            return Subject(
                claim: c, stale: source.vector(m * n), row: n, mustFind: { rowError($0, c, row: n) >= floor },
                refuses: { claim, challenge in
                    Self.verify(a, b, claim, slab: slab, challenge: challenge).isRefused
                })
        }
        expectNoneMissed(hunts, "slabs")
    }

    /// In slabs of any size, and with the floor of the check that has all at once, or little more.
    @Test func honestProductsAlwaysPass() {
        var source = SeededGenerator(seed: 17)
        var largest = 0.0
        for _ in 0..<3000 {
            let (m, k, n) = (
                1 + source.nextIndex(below: 9), 1 + source.nextIndex(below: 60), 1 + source.nextIndex(below: 9)
            )
            let a: Operand = ProductCheckTests.operand(&source, m, k, source.scale())
            let b: Operand = ProductCheckTests.operand(&source, k, n, 1)
            let c = ProductCheckTests.product(a, b)
            let challenge = source.next()
            let whole = evidence(
                ProductCheck(a, b).verify(Operand(c, rows: m, columns: n), challenge: challenge))
            let slabs = evidence(
                Self.verify(a, b, c, slab: 1 + source.nextIndex(below: k), challenge: challenge))
            largest = max(largest, slabs.share)
            #expect(slabs.floor <= 4 * whole.floor && whole.cost == slabs.cost)
        }
        #expect(largest <= 1 && largest > 0.001)
    }

    @Test func whatDoesNotFitConvictsNobody() {
        let a = Operand([1, 2, 3, 4], rows: 2, columns: 2)
        func proof(_ change: (inout SlabProductCheck) -> Void) -> Proof {
            var check = SlabProductCheck(rows: 2, columns: 2, inner: 4, challenge: 5)
            change(&check)
            return check.verify(Operand([0, 0, 0, 0], rows: 2, columns: 2))
        }
        func isUndecided(_ proof: Proof) -> Bool { if case .undecided = proof { true } else { false } }
        #expect(isUndecided(proof { $0.add(a, a) }), "two of four terms")
        #expect(isUndecided(proof { for _ in 0..<3 { $0.add(a, a) } }), "six of four terms")
        #expect(isUndecided(proof { $0.add(a, Operand([1, 2], rows: 2, columns: 1)) }))
        #expect(isUndecided(proof { $0.add(Operand([1, 2, 3], rows: 2, columns: 2), a) }))
        #expect(isUndecided(proof { $0.add(Operand([1, .nan, 3, 4], rows: 2, columns: 2), a) }))
        #expect(isUndecided(proof { $0.add(a, Operand([1, 1e308, 3, 1e308], rows: 2, columns: 2)) }))
        for (rows, inner) in [(0, 4), (2, 0), (-1, 4), (Int.max, 4)] {
            var check = SlabProductCheck(rows: rows, columns: 2, inner: inner, challenge: 5)
            check.add(a, a)
            #expect(isUndecided(check.verify(a)))
        }
        #expect(proof { for _ in 0..<2 { $0.add(a, a) } }.isRefused, "zeros are not the product")
    }

    @Test func claimsOfAnotherFormAreRefused() {
        let a = Operand([1, 2, 3, 4], rows: 2, columns: 2)
        let truth = ProductCheckTests.product(a, a)
        func proof(_ claim: Operand) -> Proof {
            var check = SlabProductCheck(rows: 2, columns: 2, inner: 2, challenge: 9)
            check.add(a, a)
            return check.verify(claim)
        }
        #expect(proof(Operand(truth, rows: 2, columns: 2)).isHeld)
        for bad in [Double.nan, .infinity, 1e308] {
            var claim = truth
            claim[2] = bad
            #expect(proof(Operand(claim, rows: 2, columns: 2)).isRefused)
        }
        #expect(proof(Operand(truth, rows: 4, columns: 1)).isRefused)
        #expect(proof(Operand([1, 2, 3], rows: 2, columns: 2)).isRefused)
    }
}
