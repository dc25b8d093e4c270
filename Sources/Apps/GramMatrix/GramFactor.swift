import Compute
import Plugins

/// What a product is made of: the vectors (columns or rows of the centred matrix) that are multiplied with each other.
struct GramFactor: Sendable {
    let matrix: MatrixInput
    let product: GramProduct
    /// Of the columns from `firstMean` on; empty: nothing is taken off.
    private let means: [Double]
    private let firstMean: Int

    /// - Parameter first: the column of the first mean.
    init(_ matrix: MatrixInput, _ product: GramProduct, means: [Double], first: Int) {
        self.matrix = matrix
        self.product = product
        self.means = means
        firstMean = first
    }

    /// Both factors of some terms of a block.
    func factors(of block: MatrixBlock, inner: Range<Int>) throws(AppError) -> ProductPiece.Factors {
        let first = try left(block.rows, inner: inner)
        return (first, (block.isDiagonal ? first : try left(block.columns, inner: inner)).transpose)
    }

    /// Some vectors as the left factor: a row each. - Parameter inner: which of their numbers.
    ///
    /// Columns of the matrix stay as they lie in it and are read transposed.
    private func left(_ vectors: Range<Int>, inner: Range<Int>) throws(AppError) -> MatrixOperand<Double> {
        let (rows, columns) = product == .columns ? (inner, vectors) : (vectors, inner)
        var values = matrix.part(rows: rows, columns: columns)
        try require(values, rows, columns)
        if !means.isEmpty { centre(&values, columns) }
        return MatrixOperand(
            values, rows: vectors.count, columns: inner.count, transposed: product == .columns)
    }

    private func centre(_ values: inout [Double], _ columns: Range<Int>) {
        let width = columns.count
        values.withUnsafeMutableBufferPointer { values in
            means.withUnsafeBufferPointer { means in
                for start in stride(from: 0, to: values.count, by: width) {
                    let shift = columns.lowerBound - firstMean
                    for column in 0..<width { values[start + column] -= means[shift + column] }
                }
            }
        }
    }

    private func require(_ values: [Double], _ rows: Range<Int>, _ columns: Range<Int>) throws(AppError) {
        guard matrix.needsLook, let bad = values.firstIndex(where: { !($0.magnitude <= MatrixInput.magnitudeMax) })
        else { return }
        let (row, column) = bad.quotientAndRemainder(dividingBy: columns.count)
        throw MatrixInput.fault(
            "the number in row \(rows.lowerBound + row + 1), column \(columns.lowerBound + column + 1) is not a finite "
                + "one of at most 1e100")
    }
}
