import Bytes
import Compute
import Testing

/// Freivalds' check for whole numbers.
@Suite struct FieldProductTests {
    typealias Operand = MatrixOperand<Int64>

    static func product(_ a: Operand, _ b: Operand) -> [Int64] {
        var c = [Int64](repeating: 0, count: a.rows * b.columns)
        for i in 0..<a.rows {
            for j in 0..<b.columns {
                for l in 0..<a.columns {
                    let x = a.values[a.isTransposed ? l * a.leading + i : i * a.leading + l]
                    c[i * b.columns + j] += x * b.values[b.isTransposed ? j * b.leading + l : l * b.leading + j]
                }
            }
        }
        return c
    }

    static func operand(_ source: inout SeededGenerator, _ rows: Int, _ columns: Int, _ bits: Int) -> Operand {
        let isTransposed = source.next() & 1 == 0
        let leading = (isTransposed ? rows : columns) + source.nextIndex(below: 3)
        let values = (0..<((isTransposed ? columns : rows) * leading)).map { _ in
            Int64(bitPattern: source.next()) >> Int64(63 - bits)
        }
        return Operand(values, rows: rows, columns: columns, leading: leading, transposed: isTransposed)
    }

    @Test func noFalseProductPasses() {
        let hunts = hunt(21) { source, index in
            let (m, k, n) = (2 + index % 7, 1 + index % 40, 2 + index % 5)
            let (a, b) = (Self.operand(&source, m, k, 1 + index % 26), Self.operand(&source, k, n, 27))
            let c = Self.product(a, b)
            let check = FieldProductCheck(a, b)
            #expect(evidence(check.verify(Operand(c, rows: m, columns: n), challenge: source.next())).floor == 1)
            let stale = Self.product(Self.operand(&source, m, k, 20), b)
            return Subject(
                claim: c, stale: stale, row: n, mustFind: { $0 != c },
                refuses: { check.verify(Operand($0, rows: m, columns: n), challenge: $1).isRefused })
        }
        expectNoneMissed(hunts, "integers")
    }

    @Test func honestProductsAlwaysPass() {
        var source = SeededGenerator(seed: 22)
        for _ in 0..<10_000 {
            let (m, k, n) = (
                1 + source.nextIndex(below: 6), 1 + source.nextIndex(below: 70), 1 + source.nextIndex(below: 6)
            )
            let bits = 1 + source.nextIndex(below: 50)
            let (a, b) = (Self.operand(&source, m, k, bits), Self.operand(&source, k, n, min(27, 52 - bits)))
            let claim = Operand(Self.product(a, b), rows: m, columns: n)
            let proof = FieldProductCheck(a, b).verify(claim, challenge: source.next())
            #expect(proof.isHeld, "\(proof)")
        }
    }

    /// Without the bound on sizes, a number and itself plus 2^61 - 1 would be one.
    @Test func addingTheModulusIsFound() {
        let a = Operand([3, -4, 5, 6], rows: 2, columns: 2)
        var c = Self.product(a, a)
        let check = FieldProductCheck(a, a)
        #expect(check.verify(Operand(c, rows: 2, columns: 2), challenge: 1).isHeld)
        c[2] += Int64(Mersenne61.modulus)
        #expect(check.verify(Operand(c, rows: 2, columns: 2), challenge: 1).isRefused)
        let wide = Operand([1 << 40, 1, 1, 1], rows: 2, columns: 2)
        guard case .undecided = FieldProductCheck(wide, wide).verify(wide, challenge: 1) else {
            #expect(Bool(false), "an ambiguous product was judged")
            return
        }
    }

    @Test func residuesAreCheckedInTheirField() {
        let p = Int64(Mersenne61.modulus)
        let a = Operand([p - 1, 2, p - 3, 1 << 60], rows: 2, columns: 2)
        let b = Operand([5, p - 7, 1 << 59, 9], rows: 2, columns: 2)
        var c: [Int64] = []
        for i in 0..<2 {
            for j in 0..<2 {
                var sum: UInt128 = 0
                for l in 0..<2 {
                    let term = UInt128(a.values[2 * i + l]) * UInt128(b.values[2 * l + j])
                    sum = (sum + term) % UInt128(p)
                }
                c.append(Int64(sum))
            }
        }
        let check = FieldProductCheck(a, b, numbers: .residues, trials: 2)
        #expect(check.verify(Operand(c, rows: 2, columns: 2), challenge: 3).isHeld)
        #expect(check.missProbability < 1e-36)
        var wrong = c
        wrong[3] = (wrong[3] + 1) % p
        #expect(check.verify(Operand(wrong, rows: 2, columns: 2), challenge: 3).isRefused)
        // Another name for the same residue is no canonical claim.
        wrong = c
        wrong[0] = -1
        guard case .malformed = check.verify(Operand(wrong, rows: 2, columns: 2), challenge: 3) else {
            #expect(Bool(false), "an unreduced claim passed")
            return
        }
    }

    @Test func reductionAgreesWithDivision() {
        var source = SeededGenerator(seed: 23)
        let p = UInt128(Mersenne61.modulus)
        for _ in 0..<10_000 {
            let value = UInt128(source.next()) << 64 | UInt128(source.next())
            let low = UInt64(truncatingIfNeeded: value)
            #expect(UInt128(Mersenne61.reduce(value)) == value % p)
            #expect(Mersenne61.reduce(low) == low % Mersenne61.modulus)
        }
        let edges: [UInt128] = [0, 1, p - 1, p, p + 1, 2 * p, p * p, UInt128.max]
        for edge in edges { #expect(UInt128(Mersenne61.reduce(edge)) == edge % p) }
        let least: UInt64 = Mersenne61.modulus - (1 << 63) % Mersenne61.modulus
        #expect(Mersenne61.residue(Int64.min) == least)
        #expect(Mersenne61.residue(-Int64(Mersenne61.modulus)) == 0)
    }
}
