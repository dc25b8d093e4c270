import Domain
import Plugins

/// Proves a result: each block is multiplied with secret random vectors and held against the matrix.
///
/// Every number of the result takes part, so one result that passes is enough. What is compared by `compare`, when a
/// project does without the check, is each number with its twin.
struct GramValidator: ResultValidator {
    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict {
        do throws(AppError) {
            let place = try GramUnit(unit)
            let claim = try GramResult(result, unit: place, allowsNaN: true)
            let blocks = GramBlocks(unit: place, factor: try place.factor(context.inputs), context)
            return try ProductPieces.verdict(challenge: challenge) { (body) throws(AppError) in
                try blocks.forEach(claim.values, body)
            }
        } catch {
            return .malformed(error.description)
        }
    }

    func malformation(of result: Payload, unit: Payload, context: AppContext) -> String? {
        do throws(AppError) {
            _ = try GramResult(result, unit: try GramUnit(unit))
            return nil
        } catch {
            return error.description
        }
    }

    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement {
        do throws(AppError) {
            let place = try GramUnit(unit)
            let first = try GramResult(a, unit: place)
            let second = try GramResult(b, unit: place)
            let blocks = GramBlocks(unit: place, factor: try place.factor(context.inputs), context)
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

/// The blocks of a result with the vectors that they are made of.
struct GramBlocks {
    let unit: GramUnit
    let factor: GramFactor
    let tolerance: ProductTolerance

    init(unit: GramUnit, factor: GramFactor, _ context: AppContext) {
        self.unit = unit
        self.factor = factor
        tolerance = ProductTolerance(
            relative: context.relativeTolerance ?? GramApp.relativeTolerance,
            absolute: context.absoluteTolerance ?? GramApp.absoluteTolerance)
    }

    /// Goes through the blocks until `body` says false. Holds one block and a slab of its two factors at a time.
    func forEach(_ values: [Double], _ body: ProductPieces.Visit) throws(AppError) {
        var at = 0
        for index in 0..<unit.blocks {
            let block = unit.block(index)
            let factor = factor
            // A unit of one block is not copied.
            let claim = block.count == values.count ? values : Array(values[at..<at + block.count])
            let piece = ProductPiece(
                block: block, values: claim, noun: unit.product.noun, tolerance: tolerance, inner: unit.inner,
                slab: unit.checkSlab, trials: GramApp.trials
            ) { (terms) throws(AppError) in try factor.factors(of: block, inner: terms) }
            at += block.count
            guard try body(piece) else { return }
        }
    }
}
