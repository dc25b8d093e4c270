import Domain

/// Freivalds' check of C = A·B in floating point: C r against A (B r) for Gaussian vectors r.
///
/// Costs three passes over matrices where the product costs n of them. Sound against every error that was fixed before
/// the challenge was drawn, a cancelling pair included, down to `ProofEvidence.floor`. Inputs are those that the unit
/// names by hash; that A and B are the right ones is the caller's to know. The bound is that of conventional
/// multiplication, in any order; Strassen's algorithm is not within it.
///
/// In single precision rounding is coarse, and the floor with it: 4 to 8 vectors cost little more than one.
///
/// Sources: Freivalds, "Probabilistic machines can use less running time" (IFIP 1977); Gaussian vectors: Ji,
/// Mascagni, Li, "Gaussian variant of Freivalds' algorithm" (arXiv 1705.10449); rounding: `RoundingModel`.
///
///     switch ProductCheck(a, b).verify(c, challenge: challenge) { case .holds: return .proven … }
public struct ProductCheck<Scalar: CheckedReal>: Sendable {
    public let a: MatrixOperand<Scalar>
    public let b: MatrixOperand<Scalar>
    /// Independent vectors, 1 ... 8.
    public let trials: Int
    public let rounding: RoundingModel

    /// - Parameter trials: brought into 1 ... 8. Each divides the floor for a given miss probability; all read memory
    ///   together.
    public init(
        _ a: MatrixOperand<Scalar>, _ b: MatrixOperand<Scalar>, trials: Int = 2, rounding: RoundingModel = .probable
    ) {
        self.a = a
        self.b = b
        self.trials = min(8, max(1, trials))
        self.rounding = rounding
    }

    /// Multiplications and additions of job and check.
    public var cost: CheckCost { ProductCost.of(a.rows, b.columns, a.columns, trials, fixed: false) }

    /// - Parameter c: the claimed product. - Parameter challenge: drawn after the claim's hash was stored.
    public func verify(_ c: MatrixOperand<Scalar>, challenge: UInt64) -> Proof {
        ProductBatch(right: b, trials: trials, rounding: rounding, challenge: challenge)
            .verify(left: a, c, cost: cost)
    }
}

/// Many products with one common factor, which is projected once: each claim then costs two passes.
///
/// One challenge serves all claims of a unit, since all were stored before it was drawn. Never keep it for the next
/// unit: a worker learns from verdicts.
public struct ProductBatch<Scalar: CheckedReal>: Sendable {
    /// The common factor, as the right one; transposed where it stands on the left, because (A·B)ᵀ = Bᵀ·Aᵀ.
    let fixed: MatrixOperand<Scalar>
    let isLeft: Bool
    let trials: Int
    let rounding: RoundingModel
    let vectors: [[Double]]
    /// Per column of the product, the largest magnitude over the trials.
    let weights: [Double]
    /// The fixed factor's sums; nil when `problem` says why not.
    let sums: PassSums?
    let problem: String?

    /// C = X·`right` for many X.
    public init(
        right: MatrixOperand<Scalar>, trials: Int = 2, rounding: RoundingModel = .probable, challenge: UInt64
    ) {
        self.init(right, isLeft: false, trials, rounding, challenge)
    }

    /// C = `left`·X for many X.
    public init(left: MatrixOperand<Scalar>, trials: Int = 2, rounding: RoundingModel = .probable, challenge: UInt64) {
        self.init(left.transpose, isLeft: true, trials, rounding, challenge)
    }

    private init(
        _ fixed: MatrixOperand<Scalar>, isLeft: Bool, _ trials: Int, _ rounding: RoundingModel, _ challenge: UInt64
    ) {
        self.fixed = fixed
        self.isLeft = isLeft
        self.trials = min(8, max(1, trials))
        self.rounding = rounding
        if let fault = fixed.fault {
            (vectors, weights, sums, problem) = ([], [], nil, "the common factor: \(fault)")
            return
        }
        var source = Challenge(challenge, stream: 1)
        let vectors = (0..<self.trials).map { _ in source.gaussians(fixed.columns) }
        self.vectors = vectors
        weights = (0..<fixed.columns).map { j in vectors.reduce(0) { max($0, abs($1[j])) } }
        let sums = Scalar.multiply(fixed, by: PassVectors(trials: vectors, absolute: weights, square: nil))
        self.sums = sums
        problem = fixed.nonFiniteInput(sums) ? "the common factor is not finite, or too large to bound" : nil
    }

    /// - Parameter other: the factor of this claim. - Parameter c: the claimed product.
    public func verify(_ other: MatrixOperand<Scalar>, _ c: MatrixOperand<Scalar>) -> Proof {
        let (m, k, n) = isLeft ? (fixed.columns, fixed.rows, other.columns) : (other.rows, fixed.rows, fixed.columns)
        let cost = ProductCost.of(m, n, k, trials, fixed: true)
        return isLeft ? verify(left: other.transpose, c.transpose, cost: cost) : verify(left: other, c, cost: cost)
    }

    func verify(left a: MatrixOperand<Scalar>, _ c: MatrixOperand<Scalar>, cost: CheckCost) -> Proof {
        if let problem { return .undecided(problem) }
        guard let sums else { return .undecided("no sums") }
        if let fault = a.fault { return .undecided("a factor: \(fault)") }
        guard a.columns == fixed.rows else {
            return .undecided("factors of \(a.rows) x \(a.columns) and \(fixed.rows) x \(fixed.columns)")
        }
        if let fault = c.fault { return .malformed("the product: \(fault)") }
        guard c.rows == a.rows, c.columns == fixed.columns else {
            return .malformed("the product has \(c.rows) x \(c.columns) elements, not \(a.rows) x \(fixed.columns)")
        }
        let kernel = ProductProjection(a: a, b: fixed, vectors: vectors, weights: weights, sums: sums, model: rounding)
        switch kernel.compare(with: c) {
        case .inputNotFinite: return .undecided("a factor is not finite, or too large to bound")
        case .claimNotFinite: return notFinite(a, c)
        case .compared(let result):
            guard let row = result.brokenRow else {
                return .holds(result.evidence(trials, cost))
            }
            return refuted(a, c, row, result)
        }
    }

    /// Infinity is right where the true product is beyond the range of its type; elsewhere it convicts, and so does a
    /// number so large that sums over it overflow.
    private func notFinite(_ a: MatrixOperand<Scalar>, _ c: MatrixOperand<Scalar>) -> Proof {
        let range = Double(Scalar.greatestFiniteMagnitude) / 4
        guard let (row, column) = c.firstNotFinite() else {
            let (row, column) = c.largest()
            let (claimed, bound) = (abs(c.element(row, column)), ElementSum.of(a, fixed, row, column).magnitude)
            guard claimed > 4 * bound else { return .undecided("the product is too large to bound") }
            return .fails(
                Difference(element: name(row, column), distance: claimed, tolerance: bound),
                "it is larger than any sum of these products can be")
        }
        guard ElementSum.of(a, fixed, row, column).magnitude < range else {
            return .undecided("\(name(row, column)) is beyond the range of its type")
        }
        return .malformed("\(name(row, column)) is not a finite number")
    }

    /// Recomputes one row exactly enough to name the element.
    @specialized(where Scalar == Double)
    @specialized(where Scalar == Float)
    private func refuted(
        _ a: MatrixOperand<Scalar>, _ c: MatrixOperand<Scalar>, _ row: Int, _ result: ProductComparison
    ) -> Proof {
        var worst = (column: 0, distance: -1.0, value: 0.0)
        for column in 0..<fixed.columns {
            let value = ElementSum.of(a, fixed, row, column).value
            let distance = abs(value - c.element(row, column))
            if !(distance <= worst.distance) { worst = (column, distance, value) }
        }
        let place = name(row, worst.column)
        return .fails(
            .init(element: place, distance: result.distances[row], tolerance: result.tolerances[row]),
            "a random combination of its \(isLeft ? "column" : "row") is off; \(place) is farthest: "
                + "\(c.element(row, worst.column)) claimed, \(worst.value) by recomputation")
    }

    private func name(_ row: Int, _ column: Int) -> String { isLeft ? "C[\(column),\(row)]" : "C[\(row),\(column)]" }
}

enum ProductCost {
    static func of(_ m: Int, _ n: Int, _ k: Int, _ trials: Int, fixed: Bool) -> CheckCost {
        let (m, n, k) = (Double(m), Double(n), Double(k))
        // Two operations a vector and five for both bounds, per element.
        let each = 2 * Double(trials) + 5
        let (shared, own) = (k * n * each, (m * k + m * n) * each)
        return CheckCost(job: 2 * m * n * k, check: fixed ? own : own + shared, preparation: fixed ? shared : 0)
    }
}
