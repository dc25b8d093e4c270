import Domain

/// Freivalds' check of C = A·B for whole numbers: exact, with a vector of the field of 2^61 - 1 elements.
///
/// A wrong product passes a trial with probability at most 2^-61 and a little (1 / (2^61 - 1)).
public struct FieldProductCheck: Sendable {
    /// What equality means.
    public enum Numbers: Hashable, Sendable {
        /// Whole numbers. Every element of the product must stay below 2^60 by the factors' own sizes, so that two
        /// different numbers cannot have one residue; otherwise the check is undecided.
        case integers
        /// Residues 0 ..< 2^61 - 1 of that field; a claim must be reduced.
        case residues
    }

    public let a: MatrixOperand<Int64>
    public let b: MatrixOperand<Int64>
    public let numbers: Numbers
    public let trials: Int

    /// - Parameter trials: brought into 1 ... 8; one is enough.
    public init(
        _ a: MatrixOperand<Int64>, _ b: MatrixOperand<Int64>, numbers: Numbers = .integers, trials: Int = 1
    ) {
        self.a = a
        self.b = b
        self.numbers = numbers
        self.trials = min(8, max(1, trials))
    }

    /// Counted in multiplications with addition, two operations each.
    public var cost: CheckCost {
        let (m, n, k) = (Double(a.rows), Double(b.columns), Double(a.columns))
        return CheckCost(job: 2 * m * n * k, check: 2 * Double(trials) * (m * k + k * n + m * n))
    }

    /// Of a wrong product.
    public var missProbability: Double {
        (0..<trials).reduce(1) { product, _ in product / Double(Mersenne61.modulus) }
    }

    /// - Parameter c: the claimed product. - Parameter challenge: drawn after the claim's hash was stored.
    public func verify(_ c: MatrixOperand<Int64>, challenge: UInt64) -> Proof {
        for (name, operand) in [("the left factor", a), ("the right factor", b)] {
            if let fault = operand.fault { return .undecided("\(name): \(fault)") }
            guard operand.part == .all else { return .undecided("\(name): triangles are for floating point") }
        }
        guard a.columns == b.rows else { return .undecided("\(a.columns) columns meet \(b.rows) rows") }
        if let fault = c.fault { return .malformed("the product: \(fault)") }
        guard c.rows == a.rows, c.columns == b.columns, c.part == .all else {
            return .malformed("the product has \(c.rows) x \(c.columns) elements, not \(a.rows) x \(b.columns)")
        }
        if let refusal = rangeFault(c) { return refusal }
        var source = Challenge(challenge, stream: 2)
        for _ in 0..<trials {
            let r = source.fieldElements(b.columns)
            let (left, right) = (Self.times(a, Self.times(b, r)), Self.times(c, r))
            if let row = left.indices.first(where: { left[$0] != right[$0] }) { return refuted(c, row) }
        }
        return .holds(
            ProofEvidence(share: 0, tolerance: 0, missProbability: missProbability, floor: 1, cost: cost))
    }

    /// Numbers that a residue would not tell apart.
    private func rangeFault(_ c: MatrixOperand<Int64>) -> Proof? {
        switch numbers {
        case .integers:
            let (bound, overflow) = Self.largest(a).multipliedReportingOverflow(by: Self.largest(b))
            let (whole, tooLarge) = bound.multipliedReportingOverflow(by: UInt64(a.columns))
            guard !overflow, !tooLarge, whole < 1 << 60 else {
                return .undecided("the product may reach 2^60, where residues are ambiguous")
            }
            guard let (row, column, value) = Self.first(c, { $0.magnitude > whole }) else { return nil }
            let distance = Double(value.magnitude) - Double(whole)
            return .fails(
                Difference(element: "C[\(row),\(column)]", distance: distance, tolerance: 0),
                "\(value) is larger than any element of this product can be")
        case .residues:
            for (name, operand) in [("left", a), ("right", b)] where Self.first(operand, Self.isNoResidue) != nil {
                return .undecided("the \(name) factor is not reduced")
            }
            return Self.first(c, Self.isNoResidue).map { .malformed("C[\($0.0),\($0.1)] = \($0.2) is no residue") }
        }
    }

    private static func isNoResidue(_ value: Int64) -> Bool { value < 0 || UInt64(value) >= Mersenne61.modulus }

    private static func largest(_ m: MatrixOperand<Int64>) -> UInt64 {
        var largest: UInt64 = 0
        for line in 0..<m.storedRows {
            for place in 0..<m.storedColumns { largest = max(largest, m.values[line * m.leading + place].magnitude) }
        }
        return largest
    }

    private static func first(_ m: MatrixOperand<Int64>, _ isWrong: (Int64) -> Bool) -> (Int, Int, Int64)? {
        for line in 0..<m.storedRows {
            for place in 0..<m.storedColumns where isWrong(m.values[line * m.leading + place]) {
                let value = m.values[line * m.leading + place]
                return m.isTransposed ? (place, line, value) : (line, place, value)
            }
        }
        return nil
    }

    static func times(_ m: MatrixOperand<Int64>, _ vector: [UInt64]) -> [UInt64] {
        var out = [UInt64](repeating: 0, count: m.rows)
        m.values.withUnsafeBufferPointer { values in
            vector.withUnsafeBufferPointer { v in
                guard let base = values.baseAddress, let r = v.baseAddress else { return }
                if !m.isTransposed {
                    for row in 0..<m.rows { out[row] = Mersenne61.dot(base + row * m.leading, r, m.columns) }
                    return
                }
                for line in 0..<m.columns {
                    for row in 0..<m.rows {
                        let (high, low) = Mersenne61.residue(base[line * m.leading + row])
                            .multipliedFullWidth(by: r[line])
                        let term = UInt128(truncatingIfNeeded: high) << 64 | UInt128(truncatingIfNeeded: low)
                        out[row] = Mersenne61.reduce(out[row] + Mersenne61.reduce(term))
                    }
                }
            }
        }
        return out
    }

    /// Names the farthest element of a wrong row.
    private func refuted(_ c: MatrixOperand<Int64>, _ row: Int) -> Proof {
        var place = (column: 0, distance: 0.0, value: UInt64(0))
        for column in 0..<b.columns {
            var sum: UInt64 = 0
            for l in 0..<a.columns {
                let x = Mersenne61.residue(a.values[a.index(row, l)])
                let (high, low) = x.multipliedFullWidth(by: Mersenne61.residue(b.values[b.index(l, column)]))
                let term = UInt128(truncatingIfNeeded: high) << 64 | UInt128(truncatingIfNeeded: low)
                sum = Mersenne61.reduce(sum + Mersenne61.reduce(term))
            }
            let claim = Mersenne61.residue(c.values[c.index(row, column)])
            let off = claim >= sum ? claim - sum : claim + (Mersenne61.modulus - sum)
            let distance = Double(min(off, Mersenne61.modulus - off))
            if distance > place.distance { place = (column, distance, sum) }
        }
        return .fails(
            .init(element: "C[\(row),\(place.column)]", distance: place.distance, tolerance: 0),
            "a random combination of row \(row) differs; C[\(row),\(place.column)] is farthest from the product")
    }
}
