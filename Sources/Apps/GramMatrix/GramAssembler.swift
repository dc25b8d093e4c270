import Domain
import Plugins

/// Turns the blocks into the answer, in whatever order they come.
///
/// Of the product of all columns it keeps everything (at most 4096 x 4096 numbers), of the Gram matrix of the rows sums
/// along its rows: N times the number of block rows, never N².
struct GramAssembler: Assembler {
    private let context: AppContext
    private let project: GramProject
    /// Blocks of each product that came.
    private var seen: [GramProduct: [Bool]] = [:]
    /// The product of all columns, row by row; empty where it is not asked for.
    private var columns: [Double] = []
    private var rows: RowStatistics?

    init(context: AppContext) throws(AppError) {
        self.context = context
        project = try GramProject(context)
        for product in project.parameters.product.products {
            let grid = project.grid(product)
            seen[product] = [Bool](repeating: false, count: grid.count)
            switch product {
            case .columns: columns = [Double](repeating: 0, count: grid.rows * grid.rows)
            case .rows: rows = RowStatistics(grid)
            }
        }
    }

    /// - Throws: `.badUnit` when it is no unit of this project or was there before, `.badResult` for no result.
    mutating func add(result: Payload, unit: Payload) throws(AppError) {
        let place = try GramUnit(unit)
        guard place == project.unit(place.product, first: place.firstBlock, blocks: place.blocks),
            var known = seen[place.product]
        else { throw .badUnit("it is not one of this project") }
        let range = place.firstBlock..<place.firstBlock + place.blocks
        if let twice = range.first(where: { known[$0] }) {
            throw .badUnit("block \(twice) of \(place.product.noun) was there before")
        }
        let values = try GramResult(result, unit: place).values
        var at = 0
        for index in 0..<place.blocks {
            let block = place.block(index)
            let piece = values[at..<at + block.count]
            at += block.count
            switch place.product {
            case .columns: fill(block, piece)
            case .rows: rows?.add(block, piece)
            }
            known[place.firstBlock + index] = true
        }
        seen[place.product] = known
    }

    /// Both halves, from what stands on and above the diagonal.
    private mutating func fill(_ block: MatrixBlock, _ values: ArraySlice<Double>) {
        let width = project.matrix.columns
        let isCovariance = project.parameters.centring == .mean
        let scale = isCovariance ? Double(project.matrix.rows - 1) : 1
        var at = values.startIndex
        for row in block.rows {
            for column in block.columns {
                if column >= row {
                    let value = values[at] / scale
                    columns[row * width + column] = value
                    columns[column * width + row] = value
                }
                at += 1
            }
        }
    }

    func finish() throws(AppError) -> Answer {
        for product in GramProduct.allCases {
            if let missing = seen[product]?.firstIndex(of: false) {
                throw .badResult("block \(missing) of \(product.noun) is missing")
            }
        }
        var components: PrincipalComponents?
        if !columns.isEmpty {
            components = try PrincipalComponents(
                columns, width: project.matrix.columns, count: project.parameters.components)
        }
        return GramAnswer(
            context: context, project: project, columns: columns, components: components, rows: rows
        ).written()
    }
}
