/// The comparison of C r with A (B r), and its bounds. Shared by products, Cholesky and LU factors.
struct ProductProjection<Scalar: CheckedReal> {
    let a: MatrixOperand<Scalar>
    let b: MatrixOperand<Scalar>
    let vectors: [[Double]]
    let weights: [Double]
    /// Of B.
    let sums: PassSums
    let model: RoundingModel

    enum Outcome {
        case inputNotFinite
        case claimNotFinite
        case compared(ProductComparison)
    }

    /// - Parameter order: row i of A·B is compared with row `order[i]` of C; nil: with row i.
    ///
    /// The tolerance of a row adds up, with u the unit roundoff, w the largest |r| over the trials, and L the spread of
    /// the rounding model:
    /// - the job's own roundings: Σ_l |a_il| min(L u |b_l∘w|₂, (k+1) u Σ_j|b_lj|w_j). The first is the 2-norm of the
    ///   row's errors as r weighs them; the second allows no cancellation at all;
    /// - the roundings of B r, carried through A; those of A y; those of C r; and gradual underflow.
    func compare(with c: MatrixOperand<Scalar>, order: [Int]? = nil) -> Outcome {
        let inner = a.columns
        let bounds = ProductBounds(
            sums, job: Scalar.unitRoundoff, terms: inner, ownA: model.own(MatrixPass.chain(a)), model)
        let left = Scalar.multiply(
            a, by: PassVectors(trials: sums.dots, absolute: bounds.absolute, square: bounds.square))
        if a.nonFiniteInput(left) { return .inputNotFinite }
        let right = Scalar.multiply(c, by: PassVectors(trials: vectors, absolute: weights))
        guard right.absolute.allSatisfy(\.isFinite) else { return .claimNotFinite }
        let ownC = model.own(right.chain)
        let subnormal = Double(Scalar.leastNonzeroMagnitude) * Double(inner + 2) * weights.reduce(1, +)
        var result = ProductComparison(distances: [], tolerances: [])
        for row in 0..<a.rows {
            let other = order?[row] ?? row
            let carried = left.square[row] < 1e-140 ? left.absolute[row] : left.square[row]
            let tolerance = left.absolute[row] + carried + ownC * right.absolute[other] + subnormal
            let distance = vectors.indices.reduce(0.0) { largest, t in
                let off = abs(left.dots[t][row] - right.dots[t][other])
                return off <= largest ? largest : off
            }
            result.distances.append(distance)
            result.tolerances.append(tolerance)
        }
        return result.tolerances.allSatisfy(\.isFinite) ? .compared(result) : .inputNotFinite
    }
}

/// The weights with which |A| bounds the rounding of job and check, a number for each row of B.
struct ProductBounds {
    /// Of Σ|a|w.
    var absolute: [Double]
    /// Of sqrt(Σ(aw)²).
    var square: [Double]

    /// - Parameter sums: of B. - Parameter job: unit roundoff of the job. - Parameter terms: of each of its sums.
    /// - Parameter ownA: of the check's own sums over a row of A.
    init(_ sums: PassSums, job: Double, terms: Int, ownA: Double, _ model: RoundingModel) {
        let (spread, plain) = (model.spread(terms) * job, Double(terms + 1) * job)
        let ownB = model.own(sums.chain)
        absolute = sums.absolute
        square = sums.absolute
        for l in sums.absolute.indices {
            // A root of squares that underflowed is replaced by its upper bound.
            let root = sums.square[l] < 1e-140 ? sums.absolute[l] : sums.square[l]
            let largest = sums.dots.reduce(0) { max($0, abs($1[l])) }
            absolute[l] = min(spread * root, plain * sums.absolute[l]) + ownA * largest
            square[l] = ownB * sums.absolute[l]
        }
    }
}

/// Distances and tolerances, row by row.
struct ProductComparison {
    var distances: [Double]
    var tolerances: [Double]

    /// The row that is farthest beyond its tolerance.
    var brokenRow: Int? {
        var worst: (row: Int, share: Double)?
        for row in distances.indices where !(distances[row] <= tolerances[row]) {
            let share = distances[row] / tolerances[row]
            if worst == nil || !(share <= worst!.share) { worst = (row, share) }
        }
        return worst?.row
    }

    func evidence(_ trials: Int, _ cost: CheckCost) -> ProofEvidence {
        let share = zip(distances, tolerances).reduce(0.0) { max($0, $1.0 == 0 ? 0 : $1.0 / $1.1) }
        let tolerance = tolerances.max() ?? 0
        return ProofEvidence(
            share: share, tolerance: tolerance, missProbability: GaussianStrength.quotedMiss,
            floor: GaussianStrength.floor(tolerance: tolerance, trials: trials), cost: cost)
    }
}

extension MatrixOperand where Element: CheckedReal {
    /// Whether a pass met NaN, infinity, or numbers whose sums overflow.
    func nonFiniteInput(_ sums: PassSums) -> Bool {
        !(sums.absolute.allSatisfy(\.isFinite) && sums.square.allSatisfy(\.isFinite)
            && sums.dots.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
}

/// One element of a product, recomputed.
enum ElementSum {
    static func of<S: CheckedReal>(
        _ a: MatrixOperand<S>, _ b: MatrixOperand<S>, _ row: Int, _ column: Int
    ) -> (value: Double, magnitude: Double) {
        var sum = (value: 0.0, magnitude: 0.0)
        for l in 0..<a.columns {
            let term = a.element(row, l) * b.element(l, column)
            sum.value += term
            sum.magnitude += abs(term)
        }
        return sum
    }
}
