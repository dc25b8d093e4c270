import Domain

/// Freivalds' check of C = A·B where the factors come in pieces: A in columns, B in rows, a slab of the sums at a time.
///
/// The same check as `ProductCheck`, with memory for one slab instead of both factors. The sums of the slabs are added
/// up plainly, so the run of additions that bounds their rounding is longer by the number of slabs.
///
///     var check = SlabProductCheck(rows: 2000, columns: 2000, inner: 1_000_000, challenge: challenge)
///     for slab in slabs { check.add(left(slab), right(slab)) }
///     switch check.verify(c) { … }
public struct SlabProductCheck: Sendable {
    public let rows: Int
    public let columns: Int
    /// Terms of each sum, over all slabs.
    public let inner: Int
    /// Independent vectors, 1 ... 8.
    public let trials: Int
    public let rounding: RoundingModel
    private let vectors: [[Double]]
    private let weights: [Double]
    private var dots: [[Double]]
    private var absolute: [Double]
    /// Sums of squares.
    private var squares: [Double]
    private var added = 0
    private var problem: String?

    /// - Parameter rows: of C. - Parameter columns: of C. Both at least 1; any other size leads to `undecided`.
    /// - Parameter trials: brought into 1 ... 8. - Parameter challenge: drawn after the claim's hash was stored.
    public init(
        rows: Int, columns: Int, inner: Int, trials: Int = 2, rounding: RoundingModel = .probable, challenge: UInt64
    ) {
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.trials = min(8, max(1, trials))
        self.rounding = rounding
        let sides = 1...MatrixOperand<Double>.largestSide
        let isPossible = sides ~= rows && sides ~= columns && inner > 0
        problem = isPossible ? nil : "a product of \(rows) x \(inner) and \(inner) x \(columns)"
        var source = Challenge(challenge, stream: 1)
        let vectors = isPossible ? (0..<self.trials).map { _ in source.gaussians(columns) } : []
        self.vectors = vectors
        weights = isPossible ? (0..<columns).map { j in vectors.reduce(0) { max($0, abs($1[j])) } } : []
        absolute = [Double](repeating: 0, count: isPossible ? rows : 0)
        squares = absolute
        dots = [[Double]](repeating: absolute, count: self.trials)
    }

    /// Multiplications and additions of job and check.
    public var cost: CheckCost { ProductCost.of(rows, columns, inner, trials, fixed: false) }

    /// The next terms of the sums. - Parameter a: `rows` x terms. - Parameter b: terms x `columns`.
    public mutating func add(_ a: MatrixOperand<Double>, _ b: MatrixOperand<Double>) {
        guard problem == nil else { return }
        if let fault = a.fault ?? b.fault { return problem = "a factor: \(fault)" }
        guard a.rows == rows, b.columns == columns, a.columns == b.rows else {
            return problem = "factors of \(a.rows) x \(a.columns) and \(b.rows) x \(b.columns)"
        }
        let sums = Double.multiply(b, by: PassVectors(trials: vectors, absolute: weights, square: nil))
        let slabs = (inner + a.columns - 1) / a.columns
        let bounds = ProductBounds(
            sums, job: Double.unitRoundoff, terms: inner, ownA: rounding.own(MatrixPass.chain(a) + slabs), rounding)
        let left = Double.multiply(
            a, by: PassVectors(trials: sums.dots, absolute: bounds.absolute, square: bounds.square))
        guard !b.nonFiniteInput(sums), !a.nonFiniteInput(left) else {
            return problem = "a factor is not finite, or too large to bound"
        }
        for row in 0..<rows {
            for trial in 0..<trials { dots[trial][row] += left.dots[trial][row] }
            absolute[row] += left.absolute[row]
            let root = left.square[row] < 1e-140 ? left.absolute[row] : left.square[row]
            squares[row] += root * root
        }
        added += a.columns
    }

    /// - Parameter c: the claimed product. - Returns: `undecided` when not all terms were added.
    public func verify(_ c: MatrixOperand<Double>) -> Proof {
        if let problem { return .undecided(problem) }
        guard added == inner else { return .undecided("\(added) of \(inner) terms were added") }
        if let fault = c.fault { return .malformed("the product: \(fault)") }
        guard c.rows == rows, c.columns == columns else {
            return .malformed("the product has \(c.rows) x \(c.columns) elements, not \(rows) x \(columns)")
        }
        let right = Double.multiply(c, by: PassVectors(trials: vectors, absolute: weights))
        guard right.absolute.allSatisfy(\.isFinite) else {
            if let (row, column) = c.firstNotFinite() {
                return .malformed("C[\(row),\(column)] is not a finite number")
            }
            let (row, column) = c.largest()
            return .fails(
                Difference(element: "C[\(row),\(column)]", distance: abs(c.element(row, column)), tolerance: 0),
                "it is larger than any sum of these products can be")
        }
        let result = comparison(right)
        guard let row = result.brokenRow else { return .holds(result.evidence(trials, cost)) }
        return .fails(
            Difference(element: "row \(row)", distance: result.distances[row], tolerance: result.tolerances[row]),
            "a random combination of the row is off")
    }

    private func comparison(_ right: PassSums) -> ProductComparison {
        let ownC = rounding.own(right.chain)
        let subnormal = Double.leastNonzeroMagnitude * Double(inner + 2) * weights.reduce(1, +)
        var result = ProductComparison(distances: [], tolerances: [])
        for row in 0..<rows {
            let tolerance =
                absolute[row] + squares[row].squareRoot() + ownC * right.absolute[row] + subnormal
            result.distances.append(
                vectors.indices.reduce(0.0) { largest, t in
                    let off = abs(dots[t][row] - right.dots[t][row])
                    return off <= largest ? largest : off
                })
            result.tolerances.append(tolerance)
        }
        return result
    }
}
