import Domain

/// The check of a Cholesky factor: A = L·Lᵀ by random vectors, and that L is lower triangular with a positive diagonal.
///
/// Tolerance: Higham, "Accuracy and Stability", theorem 10.3, row by row as in `ProductProjection`.
public struct CholeskyCheck<Scalar: CheckedReal>: Sendable {
    /// Symmetric; both triangles are read.
    public let a: MatrixOperand<Scalar>
    public let trials: Int

    /// - Parameter trials: brought into 1 ... 8.
    public init(_ a: MatrixOperand<Scalar>, trials: Int = 2) {
        self.a = a
        self.trials = min(8, max(1, trials))
    }

    public var cost: CheckCost {
        let n = Double(a.rows)
        return CheckCost(job: n * n * n / 3, check: 2 * n * n * (2 * Double(trials) + 5))
    }

    /// - Parameter l: the claimed factor as a full matrix, zeros above the diagonal.
    public func verify(_ l: MatrixOperand<Scalar>, challenge: UInt64) -> Proof {
        if let refusal = FactorShape.refusal(a, l) { return refusal }
        var lower = l
        lower.part = .lower
        if let (row, column) = lower.firstOutsideNotZero() {
            let value = Double(l.values[l.index(row, column)])
            return .fails(
                Difference(element: "L[\(row),\(column)]", distance: abs(value), tolerance: 0),
                "L is not zero above its diagonal")
        }
        for row in 0..<l.rows where !(lower.element(row, row) > 0) {
            guard lower.element(row, row).isFinite else { return .malformed("L[\(row),\(row)] is not finite") }
            return .fails(
                Difference(element: "L[\(row),\(row)]", distance: abs(lower.element(row, row)), tolerance: 0),
                "the diagonal of L is not positive")
        }
        return FactorProjection(a: a, left: lower, right: lower.transpose, order: nil, trials: trials)
            .verify(challenge, name: "L", isSymmetric: true, cost: cost)
    }
}

/// The check of an LU decomposition with row interchanges: P·A = L·U by random vectors.
///
/// Tolerance: Higham, theorem 9.3, row by row.
public struct LUCheck<Scalar: CheckedReal>: Sendable {
    public let a: MatrixOperand<Scalar>
    public let trials: Int
    /// Whether no multiplier may exceed one.
    public let isPartialPivoting: Bool

    /// - Parameter trials: brought into 1 ... 8.
    public init(_ a: MatrixOperand<Scalar>, isPartialPivoting: Bool = true, trials: Int = 2) {
        self.a = a
        self.isPartialPivoting = isPartialPivoting
        self.trials = min(8, max(1, trials))
    }

    public var cost: CheckCost {
        let n = Double(a.rows)
        return CheckCost(job: 2 * n * n * n / 3, check: 2 * n * n * (2 * Double(trials) + 5))
    }

    /// - Parameter factors: both in one matrix as LAPACK returns them: U on and above the diagonal, L below it.
    /// - Parameter permutation: row i of L·U is row `permutation[i]` of A.
    public func verify(_ factors: MatrixOperand<Scalar>, permutation: [Int], challenge: UInt64) -> Proof {
        if let refusal = FactorShape.refusal(a, factors) { return refusal }
        guard permutation.count == a.rows else {
            return .malformed("the permutation has \(permutation.count) entries, not \(a.rows)")
        }
        var seen = [Bool](repeating: false, count: a.rows)
        for (at, row) in permutation.enumerated() {
            guard seen.indices.contains(row), !seen[row] else {
                return .malformed("entry \(at) of the permutation, \(row), is out of range or there twice")
            }
            seen[row] = true
        }
        var (lower, upper) = (factors, factors)
        lower.part = .unitLower
        upper.part = .upper
        if isPartialPivoting, let refusal = largeMultiplier(lower) { return refusal }
        return FactorProjection(a: a, left: lower, right: upper, order: permutation, trials: trials)
            .verify(challenge, name: "LU", isSymmetric: false, cost: cost)
    }

    /// A multiplier is a rounded quotient, or a product with a rounded reciprocal.
    @specialized(where Scalar == Double)
    @specialized(where Scalar == Float)
    private func largeMultiplier(_ lower: MatrixOperand<Scalar>) -> Proof? {
        let limit = 1 + 4 * Scalar.unitRoundoff
        for row in 0..<lower.rows {
            for column in 0..<row {
                let value = abs(Double(lower.values[row * lower.leading + column]))
                guard !(value <= limit) else { continue }
                guard value.isFinite else { return .malformed("LU[\(row),\(column)] is not finite") }
                return .fails(
                    Difference(element: "LU[\(row),\(column)]", distance: value, tolerance: limit),
                    "a multiplier is larger than one: rows were not interchanged as claimed")
            }
        }
        return nil
    }
}

enum FactorShape {
    static func refusal<S>(_ a: MatrixOperand<S>, _ factor: MatrixOperand<S>) -> Proof? {
        if let fault = a.fault { return .undecided("the matrix: \(fault)") }
        guard a.rows == a.columns, a.part == .all else { return .undecided("the matrix is not square and full") }
        if let fault = factor.fault { return .malformed("the factor: \(fault)") }
        guard factor.rows == a.rows, factor.columns == a.rows, !factor.isTransposed else {
            return .malformed("the factor has \(factor.rows) x \(factor.columns) elements, not \(a.rows) squared")
        }
        return nil
    }
}

extension FactorShape {
    /// Elements beyond 10^100 times those of A, and 10^100, come from no elimination that anybody can use; without this
    /// their sums would overflow, and nothing could be said.
    @specialized(where S == Double)
    @specialized(where S == Float)
    static func tooLarge<S: CheckedReal>(_ a: MatrixOperand<S>, _ factor: MatrixOperand<S>, _ name: String) -> Proof? {
        if let (row, column) = factor.firstNotFinite() { return .malformed("\(name)[\(row),\(column)] is not finite") }
        let (row, column) = factor.largest()
        let (place, limit) = (a.largest(), 1e100)
        let (claimed, allowed) = (abs(factor.element(row, column)), limit * max(1, abs(a.element(place.0, place.1))))
        guard claimed > allowed else { return nil }
        return .fails(
            Difference(element: "\(name)[\(row),\(column)]", distance: claimed, tolerance: allowed),
            "it is larger than elimination can make it")
    }
}

/// left · right against the rows of A, in the order of the permutation.
struct FactorProjection<Scalar: CheckedReal> {
    let a: MatrixOperand<Scalar>
    let left: MatrixOperand<Scalar>
    let right: MatrixOperand<Scalar>
    let order: [Int]?
    let trials: Int

    func verify(_ challenge: UInt64, name: String, isSymmetric: Bool, cost: CheckCost) -> Proof {
        var source = Challenge(challenge, stream: 5)
        let vectors = (0..<trials).map { _ in source.gaussians(a.columns) }
        let weights = (0..<a.columns).map { j in vectors.reduce(0) { max($0, abs($1[j])) } }
        let sums = Scalar.multiply(right, by: PassVectors(trials: vectors, absolute: weights, square: nil))
        guard !right.nonFiniteInput(sums) else { return notFinite(name) }
        let projection = ProductProjection(
            a: left, b: right, vectors: vectors, weights: weights, sums: sums, model: .probable)
        switch projection.compare(with: a, order: order) {
        case .inputNotFinite: return notFinite(name)
        case .claimNotFinite: return .undecided("the matrix is not finite, or too large to bound")
        case .compared(let result):
            guard let row = result.brokenRow else { return .holds(result.evidence(trials, cost)) }
            guard !isSymmetric || isSymmetricMatrix else { return .undecided("the matrix is not symmetric") }
            let source = order?[row] ?? row
            return .fails(
                Difference(
                    element: "row \(source) of A", distance: result.distances[row], tolerance: result.tolerances[row]),
                "the factors do not multiply to it (row \(row) of \(name))")
        }
    }

    private func notFinite(_ name: String) -> Proof {
        for part in [left, right] {
            if let refusal = FactorShape.tooLarge(a, part, name) { return refusal }
        }
        return .undecided("the factors are too large to bound")
    }

    /// Looked at only before a conviction: LAPACK reads one triangle.
    private var isSymmetricMatrix: Bool {
        for row in 0..<a.rows {
            for column in 0..<row where a.element(row, column) != a.element(column, row) { return false }
        }
        return true
    }
}
