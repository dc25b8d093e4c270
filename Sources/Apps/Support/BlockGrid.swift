import Domain

/// The blocks on and above the diagonal of a symmetric matrix, numbered along its block rows.
struct BlockGrid: Hashable, Sendable {
    let rows: Int
    let blockRows: Int

    /// Numbers of a result: what one section can hold.
    static let numbersMax = Limits.sectionBytesMax / 8

    /// Blocks along one side of the matrix; the last one may be smaller.
    var side: Int { (rows + blockRows - 1) / blockRows }
    var count: Int { side * (side + 1) / 2 }

    /// - Parameter index: 0 ..< `count`.
    func block(_ index: Int) -> MatrixBlock {
        // The last block row that starts at or before the index.
        var (low, high) = (0, side - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if start(middle) <= index { low = middle } else { high = middle - 1 }
        }
        return MatrixBlock(rows: range(low), columns: range(low + index - start(low)))
    }

    /// Number of the first block of a block row: its diagonal one.
    private func start(_ row: Int) -> Int { row * side - row * (row - 1) / 2 }

    private func range(_ block: Int) -> Range<Int> {
        block * blockRows..<min(rows, (block + 1) * blockRows)
    }
}

/// One block of a symmetric matrix: some of its rows with some of its columns.
struct MatrixBlock: Hashable, Sendable {
    var rows: Range<Int>
    var columns: Range<Int>

    /// Numbers in it.
    var count: Int { rows.count * columns.count }
    var isDiagonal: Bool { rows == columns }

    /// Of the matrix product. - Parameter width: the sum of products that makes one number has so many terms.
    func flops(width: Int) -> Double { 2 * Double(rows.count) * Double(columns.count) * Double(width) }
}
