import Compute
import Domain
import Plugins

/// How far two numbers of a product of matrices may lie apart.
struct ProductTolerance: Hashable, Sendable {
    var relative: Double
    /// In units of the norms of the row and the column that make the number: their product bounds it.
    var absolute: Double

    func around(_ a: Double, _ b: Double, norms: Double) -> Double {
        relative * max(a.magnitude, b.magnitude) + absolute * norms
    }
}

/// One block of a result that is a product of two matrices, with its factors.
struct ProductPiece {
    typealias Factors = (left: MatrixOperand<Double>, right: MatrixOperand<Double>)

    let block: MatrixBlock
    /// The claim, row by row. NaN and infinity are found by the check.
    let values: [Double]
    /// What one number is called, before its row and column.
    let noun: String
    let tolerance: ProductTolerance
    /// Terms of the sum that makes one number, and how many of them are looked at together.
    let inner: Int
    let slab: Int
    /// Gaussian vectors of the check: more of them shrink what can hide.
    let trials: Int
    /// The factors of some terms: `block.rows.count` x terms, and terms x `block.columns.count`.
    let factors: (Range<Int>) throws(AppError) -> Factors

    private func forEachSlab(_ body: (Factors) -> Void) throws(AppError) {
        for start in stride(from: 0, to: inner, by: slab) { body(try factors(start..<min(inner, start + slab))) }
    }

    /// Freivalds' check.
    func verdict(challenge: UInt64) throws(AppError) -> CheckVerdict {
        let (height, width) = (block.rows.count, block.columns.count)
        var check = SlabProductCheck(
            rows: height, columns: width, inner: inner, trials: trials, challenge: challenge)
        try forEachSlab { check.add($0.left, $0.right) }
        switch check.verify(MatrixOperand(values, rows: height, columns: width)) {
        case .holds: return .proven
        case .malformed(let why): return .malformed(why)
        case .undecided:
            return values.allSatisfy(\.isFinite) ? .plausible : .malformed("a number of the result is not finite")
        case .fails(let projection, let why):
            // A combination of a whole row says little to people: the block is multiplied once more, and the number
            // that is farthest off named.
            guard let worst = try worst(), worst.distance > worst.tolerance else { return .refuted(projection, why) }
            return .refuted(worst, "the secret combination of a row of the block is off")
        }
    }

    /// The number that is farthest from the true one, in units of its tolerance.
    private func worst() throws(AppError) -> Difference? {
        var truth = [Double](repeating: 0, count: block.count)
        try forEachSlab { BLAS.multiply($0.left, $0.right, into: &truth, adding: true) }
        var worst: (index: Int, distance: Double, allowed: Double)?
        try forEachDifference(truth) { index, distance, allowed in
            if let known = worst, !(distance / allowed > known.distance / known.allowed) { return true }
            worst = (index, distance, allowed)
            return true
        }
        return worst.map { difference($0.index, $0.distance, $0.allowed) }
    }

    /// The first number that is not that of another result.
    func difference(_ twin: [Double]) throws(AppError) -> Difference? {
        var first: Difference?
        try forEachDifference(twin) { index, distance, allowed in
            first = difference(index, distance, allowed)
            return false
        }
        return first
    }

    /// Rows and columns are counted from 1, as in the answer.
    private func difference(_ index: Int, _ distance: Double, _ allowed: Double) -> Difference {
        let (row, column) = index.quotientAndRemainder(dividingBy: block.columns.count)
        let name = "\(noun)[\(block.rows.lowerBound + row + 1),\(block.columns.lowerBound + column + 1)]"
        return Difference(element: name, distance: distance, tolerance: allowed)
    }

    /// Everything that lies farther apart than allowed, until `body` says false.
    private func forEachDifference(_ twin: [Double], _ body: (Int, Double, Double) -> Bool) throws(AppError) {
        let (heights, widths) = try norms()
        for index in values.indices {
            let distance = (values[index] - twin[index]).magnitude
            let (row, column) = index.quotientAndRemainder(dividingBy: block.columns.count)
            let allowed = tolerance.around(values[index], twin[index], norms: heights[row] * widths[column])
            if !(distance <= allowed), !body(index, distance, allowed) { return }
        }
    }

    /// The 2-norms of the left factor's rows and of the right one's columns.
    private func norms() throws(AppError) -> (left: [Double], right: [Double]) {
        var left = [Double](repeating: 0, count: block.rows.count)
        var right = [Double](repeating: 0, count: block.columns.count)
        try forEachSlab { factors in
            Self.addSquares(factors.left, to: &left)
            Self.addSquares(factors.right.transpose, to: &right)
        }
        return (left.map { $0.squareRoot() }, right.map { $0.squareRoot() })
    }

    /// Of each row of a matrix.
    private static func addSquares(_ matrix: MatrixOperand<Double>, to sums: inout [Double]) {
        let (lines, length) =
            matrix.isTransposed ? (matrix.columns, matrix.rows) : (matrix.rows, matrix.columns)
        for line in 0..<lines {
            for place in 0..<length {
                let value = matrix.values[line * matrix.leading + place]
                sums[matrix.isTransposed ? place : line] += value * value
            }
        }
    }
}

/// Verdicts on results of several blocks.
enum ProductPieces {
    typealias Visit = (ProductPiece) throws(AppError) -> Bool

    /// The worst of the blocks' verdicts. - Parameter forEach: goes through the blocks until its body says false.
    static func verdict(
        challenge: UInt64, _ forEach: (Visit) throws(AppError) -> Void
    ) throws(AppError) -> CheckVerdict {
        var verdict = CheckVerdict.proven
        try forEach { (piece) throws(AppError) in
            switch try piece.verdict(challenge: challenge) {
            case .proven: return true
            case .plausible:
                // Nothing is proven any more, but a later block may still be refuted.
                verdict = .plausible
                return true
            case let broken:
                verdict = broken
                return false
            }
        }
        return verdict
    }

    /// Whether another result says the same, block by block.
    static func agreement(
        with twin: [Double], _ forEach: (Visit) throws(AppError) -> Void
    ) throws(AppError) -> Agreement {
        var agreement = Agreement.same
        var at = 0
        try forEach { (piece) throws(AppError) in
            let end = at + piece.values.count
            defer { at = end }
            guard let difference = try piece.difference(Array(twin[at..<end])) else { return true }
            agreement = .different(difference)
            return false
        }
        return agreement
    }
}
