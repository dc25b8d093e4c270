import Domain

/// The check of a least-squares solution of an overdetermined system, min |b - A x|, of full column rank.
///
/// The residual must be orthogonal to every column (the normal equations, which only the minimiser fulfils), and a
/// claimed residual norm must be the one of the claimed x. Deterministic. Tolerance: Householder QR solves a system
/// whose columns are changed by at most γ of their own norms (Higham, "Accuracy and Stability", theorem 20.3), here
/// with γ = 16 sqrt(m + n) u.
public struct LeastSquaresCheck<Scalar: CheckedReal>: Sendable {
    public let a: MatrixOperand<Scalar>
    public let b: [Scalar]

    public init(_ a: MatrixOperand<Scalar>, _ b: [Scalar]) {
        self.a = a
        self.b = b
    }

    public var cost: CheckCost {
        let (m, n) = (Double(a.rows), Double(a.columns))
        return CheckCost(job: 2 * m * n * n - 2 * n * n * n / 3, check: 18 * m * n)
    }

    /// - Parameter residualNorm: the claimed |b - A x|; nil when it is not part of the claim.
    public func verify(_ x: [Scalar], residualNorm: Double? = nil) -> Proof {
        if let fault = a.fault { return .undecided("the matrix: \(fault)") }
        guard a.rows >= a.columns, b.count == a.rows else {
            return .undecided("a matrix of \(a.rows) x \(a.columns) and \(b.count) right-hand numbers")
        }
        guard x.count == a.columns else { return .malformed("x has \(x.count) numbers, not \(a.columns)") }
        if let at = x.firstIndex(where: { !$0.isFinite }) { return .malformed("x[\(at)] is not finite") }
        if let residualNorm, !(residualNorm >= 0 && residualNorm.isFinite) {
            return .malformed("the norm of the residual is \(residualNorm)")
        }
        // A power of two that keeps a hostile x from overflowing the sums; exact.
        let unit = Norms.powerOfTwo(x.reduce(0) { max($0, abs(Double($1))) })
        let (solution, right) = (x.map { Double($0) / unit }, b.map { Double($0) / unit })
        let ones = [Double](repeating: 1, count: a.columns)
        let image = Scalar.multiply(a, by: PassVectors(trials: [solution], absolute: ones))
        let residual = (0..<a.rows).map { right[$0] - image.dots[0][$0] }
        let heights = [Double](repeating: 1, count: a.rows)
        let back = Scalar.multiply(
            a.transpose, by: PassVectors(trials: [residual], absolute: heights, square: nil))
        // What the columns may move: Σ |a_k| |x_k|, the right-hand side, and the residual itself.
        let norms = zip(back.square, back.absolute).map { $0 < 1e-140 ? $1 : $0 }
        let reach = zip(norms, solution).reduce(0) { $0 + $1.0 * abs($1.1) }
        let size = Norms.two(residual)
        let scale = reach + Norms.two(right) + size
        let own = RoundingModel.probable.own(image.chain) + RoundingModel.probable.own(back.chain)
        let gamma = 16 * Double(a.rows + a.columns).squareRoot() * Scalar.unitRoundoff + own
        let tolerances = norms.map { gamma * $0 * scale + Double.leastNormalMagnitude }
        guard tolerances.allSatisfy(\.isFinite), b.allSatisfy(\.isFinite) else {
            return .undecided("the system is not finite, or too large to bound")
        }
        if let refusal = notOrthogonal(back.dots[0], tolerances, unit) { return refusal }
        let allowed = gamma * scale + Double.leastNormalMagnitude
        if let residualNorm, !(abs(residualNorm / unit - size) <= allowed) {
            let distance = abs(residualNorm - size * unit)
            return .fails(
                Difference(element: "residual norm", distance: distance, tolerance: allowed * unit),
                "the claimed norm is not that of b - A x, which is \(size * unit)")
        }
        return .holds(evidence(back.dots[0], tolerances, norms, unit))
    }

    private func notOrthogonal(_ products: [Double], _ tolerances: [Double], _ unit: Double) -> Proof? {
        var worst: (column: Int, share: Double)?
        for column in products.indices where !(abs(products[column]) <= tolerances[column]) {
            let share = abs(products[column]) / tolerances[column]
            if worst.map({ !(share <= $0.share) }) ?? true { worst = (column, share) }
        }
        return worst.map { worst in
            .fails(
                Difference(
                    element: "x, by column \(worst.column)", distance: abs(products[worst.column]) * unit,
                    tolerance: tolerances[worst.column] * unit),
                "the residual is not orthogonal to column \(worst.column): x is not the minimiser")
        }
    }

    /// An error e of element j moves a_jᵀ r by e |a_j|², whatever the other columns do.
    private func evidence(
        _ products: [Double], _ tolerances: [Double], _ norms: [Double], _ unit: Double
    ) -> ProofEvidence {
        let share = zip(products, tolerances).reduce(0) { max($0, abs($1.0) / $1.1) }
        let floor = zip(tolerances, norms).reduce(0) { max($0, 2 * $1.0 / ($1.1 * $1.1)) }
        return ProofEvidence(
            share: share, tolerance: (tolerances.max() ?? 0) * unit, missProbability: 0, floor: floor * unit, cost: cost
        )
    }
}
