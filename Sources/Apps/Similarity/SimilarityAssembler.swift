import Domain
import Plugins

/// Turns the blocks into the answer. Keeps lists of neighbours and the picture's cells, never the matrix.
struct SimilarityAssembler: Assembler {
    private let context: AppContext
    private let project: SimilarityProject
    private var nextBlock = 0
    private var neighbours: NeighbourLists
    private var strongest: StrongestPairs
    private var map: SimilarityMap

    init(context: AppContext) throws(AppError) {
        self.context = context
        let project = try SimilarityProject(context)
        self.project = project
        neighbours = NeighbourLists(rows: project.grid.rows, limit: project.parameters.neighbours)
        strongest = StrongestPairs(limit: project.parameters.strongest)
        map = SimilarityMap(rows: project.grid.rows, labels: project.rows.table.labels)
    }

    /// - Throws: `.badUnit` when the blocks do not follow those of the last unit, `.badResult` for no result.
    mutating func add(result: Payload, unit: Payload) throws(AppError) {
        let place = try SimilarityUnit(unit)
        guard place.grid == project.grid, place.measure == project.parameters.measure,
            place.labelColumn == project.labelColumn
        else { throw .badUnit("it is not one of this project") }
        guard place.firstBlock == nextBlock else {
            throw .badUnit("it begins with block \(place.firstBlock), the next one is \(nextBlock)")
        }
        let values = try SimilarityResult(result, unit: place).values
        var at = 0
        for index in 0..<place.blocks {
            let block = place.block(index)
            for row in block.rows {
                for column in block.columns {
                    // Below the diagonal everything is there a second time.
                    if column >= row { take(row, column, values[at]) }
                    at += 1
                }
            }
        }
        nextBlock += place.blocks
    }

    private mutating func take(_ row: Int, _ column: Int, _ similarity: Double) {
        map.add(row, column, similarity)
        guard row != column else { return }
        neighbours.offer(row, column, similarity)
        neighbours.offer(column, row, similarity)
        strongest.offer(RowPair(row: row, other: column, similarity: similarity))
    }

    func finish() throws(AppError) -> Answer {
        guard nextBlock == project.grid.count else {
            throw .badResult("blocks from \(nextBlock) to \(project.grid.count - 1) are missing")
        }
        let answer = SimilarityAnswer(
            context: context, project: project, neighbours: neighbours, strongest: strongest.items, map: map)
        return answer.written()
    }
}
