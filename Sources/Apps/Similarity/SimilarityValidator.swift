import Compute
import Domain
import Plugins

/// Proves a result: each block is multiplied with secret random vectors and held against the rows of the table.
///
/// Every similarity of the result takes part, so one result that passes is enough. What is compared by `compare`, when
/// a project does without the check, is each similarity with its twin.
struct SimilarityValidator: ResultValidator {
    /// Gaussian vectors of a check: more of them cost little and shrink what can hide.
    static let trials = 4

    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict {
        do throws(AppError) {
            let place = try SimilarityUnit(unit)
            let claim = try SimilarityResult(result, unit: place)
            let rows = try StandardRows(context.inputs, place)
            let tolerance = SimilarityTolerance(context)
            var verdict = CheckVerdict.proven
            try SimilarityBlocks.forEach(place, rows, claim.values) { (piece) throws(AppError) -> Bool in
                switch judge(piece, tolerance, challenge) {
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
        } catch {
            return .malformed(error.description)
        }
    }

    private func judge(_ piece: BlockPiece, _ tolerance: SimilarityTolerance, _ challenge: UInt64) -> CheckVerdict {
        switch piece.proof(challenge: challenge) {
        case .holds: return .proven
        case .malformed(let why): return .malformed(why)
        case .undecided: return .plausible
        case .fails(let projection, let why):
            // A combination of a whole row says little to people: the block is multiplied once more, and the similarity
            // that is farthest off named.
            let worst = piece.worst(tolerance)
            guard let worst, worst.distance > worst.tolerance else { return .refuted(projection, why) }
            return .refuted(worst, "the secret combination of a row of the block is off")
        }
    }

    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement {
        do throws(AppError) {
            let place = try SimilarityUnit(unit)
            let first = try SimilarityResult(a, unit: place)
            let second = try SimilarityResult(b, unit: place)
            let rows = try StandardRows(context.inputs, place)
            let tolerance = SimilarityTolerance(context)
            var agreement = Agreement.same
            var at = 0
            try SimilarityBlocks.forEach(place, rows, first.values) { (piece) throws(AppError) -> Bool in
                let twin = second.values[at..<at + piece.values.count]
                at += piece.values.count
                if let difference = piece.difference(Array(twin), tolerance) { agreement = .different(difference) }
                return agreement == .same
            }
            return agreement
        } catch {
            // Both were decoded before; a result that no longer can be is the same only as itself.
            return a == b
                ? .same : .different(Difference(element: error.description, distance: .infinity, tolerance: 0))
        }
    }
}

/// How far two similarities may lie apart.
struct SimilarityTolerance: Hashable, Sendable {
    var relative: Double
    /// In units of the product of both rows' norms, which bounds every similarity.
    var absolute: Double

    init(_ context: AppContext) {
        relative = context.relativeTolerance ?? SimilarityApp.relativeTolerance
        absolute = context.absoluteTolerance ?? SimilarityApp.absoluteTolerance
    }

    func around(_ a: Double, _ b: Double, norms: Double) -> Double {
        relative * max(a.magnitude, b.magnitude) + absolute * norms
    }
}

/// The blocks of a result with the rows that they are made of.
enum SimilarityBlocks {
    /// Goes through the blocks until `body` says false. Holds one block and its two factors at a time.
    static func forEach(
        _ unit: SimilarityUnit, _ rows: StandardRows, _ values: [Double],
        _ body: (BlockPiece) throws(AppError) -> Bool
    ) throws(AppError) {
        var left: (rows: Range<Int>, matrix: [Double])?
        var at = 0
        for index in 0..<unit.blocks {
            let block = unit.block(index)
            let first: [Double]
            if let kept = left, kept.rows == block.rows {
                first = kept.matrix
            } else {
                first = try rows.matrix(block.rows)
            }
            left = (block.rows, first)
            let second = block.isDiagonal ? first : try rows.matrix(block.columns)
            let piece = BlockPiece(
                block: block, rows: rows, first: first, second: second,
                values: Array(values[at..<at + block.count]))
            at += block.count
            guard try body(piece) else { return }
        }
    }
}

/// One block of a result.
struct BlockPiece {
    let block: SimilarityBlock
    let rows: StandardRows
    /// Factors, row by row.
    let first: [Double]
    let second: [Double]
    /// The claim.
    let values: [Double]

    func proof(challenge: UInt64) -> Proof {
        let width = rows.table.width
        let a = MatrixOperand(first, rows: block.rows.count, columns: width)
        let b = MatrixOperand(second, rows: width, columns: block.columns.count, transposed: true)
        let claim = MatrixOperand(values, rows: block.rows.count, columns: block.columns.count)
        return ProductCheck(a, b, trials: SimilarityValidator.trials).verify(claim, challenge: challenge)
    }

    /// The similarity that is farthest from the true one, in units of its tolerance.
    func worst(_ tolerance: SimilarityTolerance) -> Difference? {
        let truth = SimilarityKernel.product(block, first, second, width: rows.table.width)
        return differences(truth, tolerance).max { $0.distance / $0.tolerance < $1.distance / $1.tolerance }
    }

    /// The first one that is not that of the other result.
    func difference(_ twin: [Double], _ tolerance: SimilarityTolerance) -> Difference? {
        differences(twin, tolerance).first
    }

    /// Everything that lies farther apart than allowed. Rows are counted from 1, as in the answer.
    private func differences(_ twin: [Double], _ tolerance: SimilarityTolerance) -> [Difference] {
        let (heights, widths) = (rows.norms(first), rows.norms(second))
        var found: [Difference] = []
        for index in values.indices {
            let (row, column) = index.quotientAndRemainder(dividingBy: block.columns.count)
            let distance = (values[index] - twin[index]).magnitude
            let allowed = tolerance.around(values[index], twin[index], norms: heights[row] * widths[column])
            guard !(distance <= allowed) else { continue }
            let name = "similarity[\(block.rows.lowerBound + row + 1),\(block.columns.lowerBound + column + 1)]"
            found.append(Difference(element: name, distance: distance, tolerance: allowed))
        }
        return found
    }
}
