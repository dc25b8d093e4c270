import Compute
import Domain
import Plugins

/// Proves a result: each block is multiplied with secret random vectors and held against the rows of the table.
///
/// Every similarity of the result takes part, so one result that passes is enough. What is compared by `compare`, when
/// a project does without the check, is each similarity with its twin.
struct SimilarityValidator: ResultValidator {
    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict {
        do throws(AppError) {
            let place = try SimilarityUnit(unit)
            let claim = try SimilarityResult(result, unit: place)
            let blocks = SimilarityBlocks(unit: place, rows: try StandardRows(context.inputs, place), context)
            return try ProductPieces.verdict(challenge: challenge) { (body) throws(AppError) in
                try blocks.forEach(claim.values, body)
            }
        } catch {
            return .malformed(error.description)
        }
    }

    func malformation(of result: Payload, unit: Payload, context: AppContext) -> String? {
        do throws(AppError) {
            _ = try SimilarityResult(result, unit: try SimilarityUnit(unit))
            return nil
        } catch {
            return error.description
        }
    }

    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement {
        do throws(AppError) {
            let place = try SimilarityUnit(unit)
            let first = try SimilarityResult(a, unit: place)
            let second = try SimilarityResult(b, unit: place)
            let blocks = SimilarityBlocks(unit: place, rows: try StandardRows(context.inputs, place), context)
            return try ProductPieces.agreement(with: second.values) { (body) throws(AppError) in
                try blocks.forEach(first.values, body)
            }
        } catch {
            // Both were decoded before; a result that no longer can be is the same only as itself.
            return a == b
                ? .same : .different(Difference(element: error.description, distance: .infinity, tolerance: 0))
        }
    }
}

/// The blocks of a result with the rows that they are made of.
struct SimilarityBlocks {
    let unit: SimilarityUnit
    let rows: StandardRows
    let tolerance: ProductTolerance

    init(unit: SimilarityUnit, rows: StandardRows, _ context: AppContext) {
        self.unit = unit
        self.rows = rows
        tolerance = ProductTolerance(
            relative: context.relativeTolerance ?? SimilarityApp.relativeTolerance,
            absolute: context.absoluteTolerance ?? SimilarityApp.absoluteTolerance)
    }

    /// Goes through the blocks until `body` says false. Holds one block and its two factors at a time.
    func forEach(_ values: [Double], _ body: ProductPieces.Visit) throws(AppError) {
        let width = rows.table.width
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
            let factors = (
                left: MatrixOperand(first, rows: block.rows.count, columns: width),
                right: MatrixOperand(second, rows: width, columns: block.columns.count, transposed: true)
            )
            // A row of a table is short: all of it at once.
            let piece = ProductPiece(
                block: block, values: Array(values[at..<at + block.count]), noun: "similarity", tolerance: tolerance,
                inner: width, slab: width, trials: 4
            ) { (_) throws(AppError) in factors }
            at += block.count
            guard try body(piece) else { return }
        }
    }
}
