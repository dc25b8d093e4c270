/// What the answer keeps of the Gram matrix: per row of it, never the matrix.
///
/// Every block adds into places of its own, and `finish` adds those up in a fixed order: the blocks may come in any
/// order, and the numbers are the same bit for bit.
struct RowStatistics: Hashable, Sendable {
    let grid: BlockGrid
    /// G[i,i]: the square of the row's norm.
    private(set) var squares: [Double]
    /// Sums over one block row of the matrix: row i, block j at i * side + j.
    private var sums: [Double]
    private var energies: [Double]
    private(set) var map: BlockMap

    init(_ grid: BlockGrid) {
        self.grid = grid
        squares = [Double](repeating: 0, count: grid.rows)
        sums = [Double](repeating: 0, count: grid.rows * grid.side)
        energies = sums
        map = BlockMap(grid)
    }

    /// - Parameter values: the block, row by row.
    mutating func add(_ block: MatrixBlock, _ values: ArraySlice<Double>) {
        let across = block.columns.lowerBound / grid.blockRows
        let down = block.rows.lowerBound / grid.blockRows
        var at = values.startIndex
        for row in block.rows {
            var (sum, energy) = (0.0, 0.0)
            for column in block.columns {
                let value = values[at]
                sum += value
                energy += value * value
                if !block.isDiagonal {
                    // Below the diagonal the block stands a second time, turned over.
                    sums[column * grid.side + down] += value
                    energies[column * grid.side + down] += value * value
                } else if row == column {
                    squares[row] = value
                }
                at += 1
            }
            sums[row * grid.side + across] = sum
            energies[row * grid.side + across] = energy
        }
        map.add(block, values)
    }

    /// Σ_j G[i,j].
    func sum(_ row: Int) -> Double { Self.total(sums[row * grid.side..<(row + 1) * grid.side]) }
    /// Σ_j G[i,j]².
    func energy(_ row: Int) -> Double { Self.total(energies[row * grid.side..<(row + 1) * grid.side]) }

    var trace: Double { squares.reduce(0, +) }
    /// The Frobenius norm of the whole matrix.
    var norm: Double { (0..<grid.rows).reduce(0) { $0 + energy($1) }.squareRoot() }

    private static func total(_ parts: ArraySlice<Double>) -> Double { parts.reduce(0, +) }
}

/// A matrix of blocks as a picture: the mean of each cell. Cells do not reach over the edges of blocks.
struct BlockMap: Hashable, Sendable {
    /// About so many cells along a side.
    private static let cellsMax = 150

    /// Where cells begin, and the end of the last one.
    let edges: [Int]
    private let cellOfRow: [Int32]
    private var sums: [Double]

    var side: Int { edges.count - 1 }

    init(_ grid: BlockGrid) {
        let perBlock = max(1, Self.cellsMax / grid.side)
        var edges: [Int] = []
        for start in stride(from: 0, to: grid.rows, by: grid.blockRows) {
            let count = min(grid.blockRows, grid.rows - start)
            // A last block of fewer rows has as many cells fewer.
            let cells = max(1, min(count, perBlock * count / grid.blockRows))
            edges += (0..<cells).map { start + $0 * count / cells }
        }
        edges.append(grid.rows)
        self.edges = edges
        var cellOfRow: [Int32] = []
        cellOfRow.reserveCapacity(grid.rows)
        for cell in 0..<edges.count - 1 {
            for _ in edges[cell]..<edges[cell + 1] { cellOfRow.append(Int32(cell)) }
        }
        self.cellOfRow = cellOfRow
        sums = [Double](repeating: 0, count: (edges.count - 1) * (edges.count - 1))
    }

    mutating func add(_ block: MatrixBlock, _ values: ArraySlice<Double>) {
        var at = values.startIndex
        for row in block.rows {
            let line = Int(cellOfRow[row]) * side
            for column in block.columns {
                sums[line + Int(cellOfRow[column])] += values[at]
                at += 1
            }
        }
    }

    /// Mean of a cell on either side of the diagonal.
    subscript(_ row: Int, _ column: Int) -> Double {
        let (low, high) = (min(row, column), max(row, column))
        let numbers = (edges[low + 1] - edges[low]) * (edges[high + 1] - edges[high])
        return sums[low * side + high] / Double(numbers)
    }

    /// Means beside the diagonal, whose cells hold squares; of the only cell where there are no others.
    var range: ClosedRange<Double> {
        guard side > 1 else { return min(0, self[0, 0])...max(0, self[0, 0]) }
        var (low, high) = (Double.infinity, -Double.infinity)
        for row in 0..<side {
            for column in row + 1..<side { (low, high) = (min(low, self[row, column]), max(high, self[row, column])) }
        }
        return low...high
    }
}
