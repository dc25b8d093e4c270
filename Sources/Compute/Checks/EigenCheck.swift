import Domain

/// The check of eigenpairs of a symmetric matrix: A v = λ v and orthonormal vectors, by random combinations.
///
/// When as many pairs are claimed as the matrix has rows, orthonormal vectors with small residuals are all of them, and
/// the sum of the eigenvalues must be the trace. Of fewer pairs this proves that each is a pair, not that no larger one
/// was left out. Tolerance: 16 sqrt(n) u |A|_F for each residual, as backward stable solvers keep (LAPACK Users'
/// Guide, section 4.7); eigenvectors of close eigenvalues are free to mix.
public struct EigenCheck<Scalar: CheckedReal>: Sendable {
    /// Symmetric; both triangles are read.
    public let a: MatrixOperand<Scalar>
    public let trials: Int

    /// - Parameter trials: brought into 1 ... 8.
    public init(_ a: MatrixOperand<Scalar>, trials: Int = 2) {
        self.a = a
        self.trials = min(8, max(1, trials))
    }

    /// For all pairs, with about 9 n³ operations for them (Golub, Van Loan, section 8.3).
    public var cost: CheckCost {
        let n = Double(a.rows)
        return CheckCost(job: 9 * n * n * n, check: n * n * (12 * Double(trials) + 15))
    }

    /// - Parameter vectors: a row for each value: its eigenvector of norm one.
    /// - Parameter isComplete: whether the claim is all eigenpairs.
    public func verify(
        values: [Scalar], vectors: MatrixOperand<Scalar>, isComplete: Bool, challenge: UInt64
    ) -> Proof {
        if let fault = a.fault { return .undecided("the matrix: \(fault)") }
        guard a.rows == a.columns, a.part == .all else { return .undecided("the matrix is not square and full") }
        if let fault = vectors.fault { return .malformed("the eigenvectors: \(fault)") }
        guard vectors.columns == a.rows, vectors.rows == values.count, values.count <= a.rows, vectors.part == .all
        else { return .malformed("\(values.count) values with \(vectors.rows) vectors of \(vectors.columns)") }
        guard !isComplete || values.count == a.rows else {
            return .malformed("\(values.count) of \(a.rows) eigenpairs are there")
        }
        if let at = values.firstIndex(where: { !$0.isFinite }) { return .malformed("value \(at) is not finite") }
        if let (row, column) = vectors.firstNotFinite() {
            return .malformed("vector[\(row),\(column)] is not finite")
        }
        let parts = EigenParts(a, values.map(Double.init), vectors, trials, challenge)
        guard parts.norm.isFinite, parts.tolerance.isFinite else {
            return .undecided("the matrix is not finite, or too large to bound")
        }
        if let refusal = parts.refusal(isComplete) {
            return isSymmetric ? refusal : .undecided("the matrix is not symmetric")
        }
        return .holds(
            ProofEvidence(
                share: parts.share, tolerance: parts.tolerance, missProbability: GaussianStrength.quotedMiss,
                floor: GaussianStrength.floor(tolerance: parts.tolerance, trials: trials), cost: cost))
    }

    /// Looked at only before a conviction: LAPACK reads one triangle.
    private var isSymmetric: Bool {
        for row in 0..<a.rows {
            for column in 0..<row where a.element(row, column) != a.element(column, row) { return false }
        }
        return true
    }
}

/// The numbers of one check of eigenpairs.
struct EigenParts<Scalar: CheckedReal> {
    let a: MatrixOperand<Scalar>
    let values: [Double]
    let vectors: MatrixOperand<Scalar>
    /// |A|_F.
    let norm: Double
    /// Of the norm of Σ r (A v - λ v).
    let tolerance: Double
    /// Of each element of V Vᵀ r - r.
    let roundness: Double
    /// Norms of Σ r (A v - λ v), a trial each.
    let residuals: [Double]
    /// Largest |V Vᵀ r - r| over the trials, an element per pair.
    let skews: [Double]

    init(
        _ a: MatrixOperand<Scalar>, _ values: [Double], _ vectors: MatrixOperand<Scalar>, _ trials: Int,
        _ challenge: UInt64
    ) {
        self.a = a
        self.values = values
        self.vectors = vectors
        let (n, k) = (a.rows, values.count)
        var source = Challenge(challenge, stream: 6)
        let r = (0..<trials).map { _ in source.gaussians(k) }
        let scaled = r.map { zip($0, values).map { $0 * $1 } }
        let ones = [Double](repeating: 1, count: k)
        let mixed = Scalar.multiply(
            vectors.transpose, by: PassVectors(trials: r + scaled, absolute: ones))
        let plain = [Double](repeating: 1, count: n)
        let combined = Array(mixed.dots[..<trials])
        let images = Scalar.multiply(a, by: PassVectors(trials: combined, absolute: plain, square: nil))
        let back = Scalar.multiply(vectors, by: PassVectors(trials: combined, absolute: plain))
        norm = Norms.two(zip(images.square, images.absolute).map { $0 < 1e-140 ? $1 : $0 })
        residuals = (0..<trials).map { t in
            Norms.two(zip(images.dots[t], mixed.dots[trials + t]).map { $0 - $1 })
        }
        skews = (0..<k).map { i in
            (0..<trials).reduce(0) { largest, t in
                let off = abs(back.dots[t][i] - r[t][i])
                return off <= largest ? largest : off
            }
        }
        // A Gaussian combination of k residuals: six deviations of one, or the root of their number.
        let spread = 6 + Double(k).squareRoot()
        let unit = 16 * Double(n).squareRoot() * Scalar.unitRoundoff
        let own = RoundingModel.probable.own(mixed.chain) + RoundingModel.probable.own(images.chain)
        tolerance = spread * (unit + 2 * own) * norm + Double(Scalar.leastNormalMagnitude) * Double(n)
        roundness = RoundingModel.own * Double(k).squareRoot() * (unit + 2 * own)
    }

    /// The largest share of a tolerance.
    var share: Double { max((residuals.max() ?? 0) / tolerance, (skews.max() ?? 0) / roundness) }

    func refusal(_ isComplete: Bool) -> Proof? {
        // Not the largest: NaN from overflow compares with nothing.
        if let worst = skews.indices.first(where: { !(skews[$0] <= roundness) }) {
            return .fails(
                Difference(element: "vector \(worst)", distance: skews[worst], tolerance: roundness),
                "the eigenvectors are not orthonormal")
        }
        if let residual = residuals.first(where: { !($0 <= tolerance) }) {
            let pair = worstPair()
            return .fails(
                Difference(element: "pair \(pair)", distance: residual, tolerance: tolerance),
                "A v = λ v does not hold for a random combination; pair \(pair) is farthest")
        }
        guard isComplete else { return nil }
        let trace = (0..<a.rows).reduce(0) { $0 + a.element($1, $1) }
        let (distance, allowed) = (abs(values.reduce(-trace, +)), tolerance * Double(a.rows).squareRoot())
        guard distance <= allowed else {
            return .fails(
                Difference(element: "sum of eigenvalues", distance: distance, tolerance: allowed),
                "the eigenvalues do not add up to the trace")
        }
        return nil
    }

    /// Recomputes pairs one by one; only before a conviction.
    private func worstPair() -> Int {
        var worst = (pair: 0, distance: -1.0)
        let plain = [Double](repeating: 1, count: a.rows)
        for pair in values.indices {
            let v = (0..<a.rows).map { vectors.element(pair, $0) }
            let image = Scalar.multiply(a, by: PassVectors(trials: [v], absolute: plain)).dots[0]
            let distance = Norms.two(zip(image, v).map { $0 - values[pair] * $1 })
            if !(distance <= worst.distance) { worst = (pair, distance) }
        }
        return worst.pair
    }
}
