import Domain

/// The check of a solution of A x = b by its residual: deterministic, no challenge needed.
///
/// |b - A x| within τ = 16 sqrt(n) u (|A| |x| + |b|) in the maximum norm proves that x solves exactly a system that
/// close to the given one (Rigal, Gaches 1967; Higham, "Accuracy and Stability", theorem 7.1). Gaussian elimination
/// with partial pivoting meets it unless pivots grow as in Wilkinson's example. The right answer of an ill-conditioned
/// system is known no better than that by anyone.
public struct SolveCheck<Scalar: CheckedReal>: Sendable {
    public let a: MatrixOperand<Scalar>
    public let b: [Scalar]
    /// The largest backward error that is accepted; 16 sqrt(n) u by default. A manifest may demand less.
    public let backwardError: Double

    public init(_ a: MatrixOperand<Scalar>, _ b: [Scalar], backwardError: Double? = nil) {
        self.a = a
        self.b = b
        self.backwardError = backwardError ?? 16 * Double(max(1, b.count)).squareRoot() * Scalar.unitRoundoff
    }

    public var cost: CheckCost {
        let n = Double(a.rows)
        return CheckCost(job: 2 * n * n * n / 3 + 2 * n * n, check: 9 * n * n)
    }

    /// - Parameter x: the claimed solution. On success `floor` is the smallest error of one element that is surely
    ///   found; errors along directions that A shrinks may be larger by its condition number, in any solver.
    @specialized(where Scalar == Double)
    @specialized(where Scalar == Float)
    public func verify(_ x: [Scalar]) -> Proof {
        if let fault = a.fault { return .undecided("the matrix: \(fault)") }
        guard a.rows == a.columns, b.count == a.rows else {
            return .undecided("a matrix of \(a.rows) x \(a.columns) and \(b.count) right-hand numbers")
        }
        guard x.count == a.columns else { return .malformed("x has \(x.count) numbers, not \(a.columns)") }
        if let at = x.firstIndex(where: { !$0.isFinite }) { return .malformed("x[\(at)] is not finite") }
        // A power of two that keeps a hostile x from overflowing the sums; exact.
        let unit = Norms.powerOfTwo(x.reduce(0) { max($0, abs(Double($1))) })
        let (solution, right) = (x.map { Double($0) / unit }, b.map { Double($0) / unit })
        let ones = [Double](repeating: 1, count: x.count)
        let sums = Scalar.multiply(a, by: PassVectors(trials: [solution], absolute: ones))
        let norm = sums.absolute.max() ?? 0
        let (largestX, largestB) = (Norms.largest(solution), Norms.largest(right))
        let scale = norm * largestX + largestB
        let own = RoundingModel.probable.own(sums.chain) * scale
        // Products of tiny numbers round to multiples of the least one.
        let tolerance =
            backwardError * scale + own + Double(Scalar.leastNonzeroMagnitude) / unit * Double(x.count)
        guard tolerance.isFinite, b.allSatisfy(\.isFinite) else {
            return .undecided("the system is not finite, or too large to bound")
        }
        var worst = (row: 0, distance: 0.0)
        for row in 0..<a.rows {
            let distance = abs(right[row] - sums.dots[0][row])
            if !(distance <= worst.distance) { worst = (row, distance) }
        }
        guard worst.distance <= tolerance else {
            return .fails(
                Difference(
                    element: "residual[\(worst.row)]", distance: worst.distance * unit, tolerance: tolerance * unit),
                "x does not solve the system")
        }
        return .holds(
            ProofEvidence(
                share: tolerance == 0 ? 0 : worst.distance / tolerance, tolerance: tolerance * unit, missProbability: 0,
                floor: 2 * tolerance * unit / smallestColumn(), cost: cost))
    }

    /// The least, over the columns, of the largest magnitude in the column.
    @specialized(where Scalar == Double)
    @specialized(where Scalar == Float)
    private func smallestColumn() -> Double {
        var largest = [Double](repeating: 0, count: a.columns)
        a.values.withUnsafeBufferPointer { values in
            largest.withUnsafeMutableBufferPointer { largest in
                for line in 0..<a.storedRows {
                    for place in 0..<a.storedColumns {
                        let (value, column) = (
                            abs(Double(values[line * a.leading + place])), a.isTransposed ? line : place
                        )
                        largest[column] = value > largest[column] ? value : largest[column]
                    }
                }
            }
        }
        return largest.min() ?? 0
    }
}

enum Norms {
    /// The power of two at or below a magnitude, at least one.
    static func powerOfTwo(_ magnitude: Double) -> Double {
        guard magnitude > 1, magnitude.isFinite else { return 1 }
        return Double(sign: .plus, exponent: magnitude.exponent, significand: 1)
    }

    static func largest(_ x: [Double]) -> Double { x.reduce(0) { max($0, abs($1)) } }

    /// The 2-norm; scaled, so that neither squares overflow nor vanish.
    static func two(_ x: [Double]) -> Double {
        let scale = largest(x)
        guard scale > 0, scale.isFinite else { return scale }
        return scale * x.reduce(0) { $0 + ($1 / scale) * ($1 / scale) }.squareRoot()
    }
}
