/// The matrix of similarities as a picture of at most `cellsMax` x `cellsMax` cells: the mean of what falls into each.
struct SimilarityMap: Hashable, Sendable {
    static let cellsMax = 150

    /// Cells along a side.
    let side: Int
    /// Rows of the table in the picture's order: by label, rows of one label as in the table.
    let order: [Int]
    /// Sums and counts over the similarities of each cell, row by row.
    private var sums: [Double]
    private var counts: [Double]
    /// Cell of each row of the table.
    private let cells: [Int32]

    init(rows: Int, labels: [Double]?) {
        side = min(rows, Self.cellsMax)
        if let labels {
            order = (0..<rows).sorted { (labels[$0], $0) < (labels[$1], $1) }
        } else {
            order = Array(0..<rows)
        }
        var cells = [Int32](repeating: 0, count: rows)
        for (place, row) in order.enumerated() { cells[row] = Int32(place * side / rows) }
        self.cells = cells
        sums = [Double](repeating: 0, count: side * side)
        counts = sums
    }

    /// A pair of rows stands for both halves of the matrix; a row with itself is on its diagonal.
    mutating func add(_ row: Int, _ other: Int, _ similarity: Double) {
        put(Int(cells[row]) * side + Int(cells[other]), similarity)
        if row != other { put(Int(cells[other]) * side + Int(cells[row]), similarity) }
    }

    private mutating func put(_ cell: Int, _ similarity: Double) {
        sums[cell] += similarity
        counts[cell] += 1
    }

    /// Mean of a cell; nil when nothing fell into it.
    subscript(_ row: Int, _ column: Int) -> Double? {
        let cell = row * side + column
        return counts[cell] > 0 ? sums[cell] / counts[cell] : nil
    }

    /// Means beside the diagonal, whose cells hold rows with themselves; of all cells where there are no others.
    var range: ClosedRange<Double> {
        var (low, high) = (Double.infinity, -Double.infinity)
        for row in 0..<side {
            for column in 0..<side where row != column {
                guard let mean = self[row, column] else { continue }
                (low, high) = (min(low, mean), max(high, mean))
            }
        }
        return low <= high ? low...high : 0...1
    }
}
