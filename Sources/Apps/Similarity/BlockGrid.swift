/// The blocks on and above the diagonal of the symmetric matrix of similarities, numbered along its block rows.
struct BlockGrid: Hashable, Sendable {
    let rows: Int
    let blockRows: Int

    /// A block of this size is 32 MiB.
    static let blockRowsMax = 2048

    /// Blocks along one side of the matrix; the last one may be smaller.
    var side: Int { (rows + blockRows - 1) / blockRows }
    var count: Int { side * (side + 1) / 2 }

    /// - Parameter index: 0 ..< `count`.
    func block(_ index: Int) -> SimilarityBlock {
        // The last block row that starts at or before the index.
        var (low, high) = (0, side - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if start(middle) <= index { low = middle } else { high = middle - 1 }
        }
        return SimilarityBlock(rows: range(low), columns: range(low + index - start(low)))
    }

    /// Number of the first block of a block row: its diagonal one.
    private func start(_ row: Int) -> Int { row * side - row * (row - 1) / 2 }

    private func range(_ block: Int) -> Range<Int> {
        block * blockRows..<min(rows, (block + 1) * blockRows)
    }
}

/// One block: similarities of some rows of the table with others.
struct SimilarityBlock: Hashable, Sendable {
    var rows: Range<Int>
    var columns: Range<Int>

    /// Similarities in it.
    var count: Int { rows.count * columns.count }
    var isDiagonal: Bool { rows == columns }

    /// Of the matrix product. - Parameter width: numbers in a row of the table.
    func flops(width: Int) -> Double { 2 * Double(rows.count) * Double(columns.count) * Double(width) }
}
