import Domain
import Plugins

/// The scientist's table without its label column.
struct RowTable: Hashable, Sendable {
    /// The name of the input.
    static let input = "table"
    /// Beyond this a product of two rows could overflow.
    static let magnitudeMax = 1e100
    /// A row whose largest number is below this counts as zero.
    static let magnitudeMin = 1e-100

    /// Names of the compared columns.
    let names: [String]
    let columns: [[Double]]
    /// One for each row.
    let labels: [Double]?
    let rowCount: Int

    /// - Parameter labelColumn: the index of the column that is not compared.
    init(_ inputs: InputSet, labelColumn: Int?) throws(AppError) {
        let table = try RowTable.table(inputs)
        if let labelColumn, !table.columns.indices.contains(labelColumn) {
            throw .badInput("\(RowTable.input): there is no column \(labelColumn) for the label")
        }
        let kept = table.names.indices.filter { $0 != labelColumn }
        names = kept.map { table.names[$0] }
        columns = kept.map { table.columns[$0] }
        labels = labelColumn.map { table.columns[$0] }
        rowCount = table.rowCount
        guard !columns.isEmpty else { throw .badInput("\(RowTable.input): no column is left to compare") }
    }

    /// The table as it was given.
    static func table(_ inputs: InputSet) throws(AppError) -> Table {
        guard case .table(let table)? = inputs[input] else { throw .badInput("\(input): the table is missing") }
        return table
    }

    /// Numbers in a row.
    var width: Int { columns.count }
}

/// Rows as factors of the matrix of similarities: Z of S = Z Zᵀ.
///
/// Plain sums in a fixed order: every machine makes the same Z bit for bit. Only the product depends on the library.
struct StandardRows: Sendable {
    let table: RowTable
    let measure: Measure

    init(_ table: RowTable, _ measure: Measure) {
        self.table = table
        self.measure = measure
    }

    /// For a work unit. - Throws: `.badInput` when the table is not the one that it was cut for.
    init(_ inputs: InputSet, _ unit: SimilarityUnit) throws(AppError) {
        table = try RowTable(inputs, labelColumn: unit.labelColumn)
        measure = unit.measure
        guard table.rowCount == unit.grid.rows else {
            throw .badInput("\(RowTable.input): \(table.rowCount) rows, the work unit is for \(unit.grid.rows)")
        }
    }

    /// Some rows, one after another. - Throws: `.badInput` for the first that cannot be compared.
    func matrix(_ rows: Range<Int>) throws(AppError) -> [Double] {
        let width = table.width
        var values = [Double](repeating: 0, count: rows.count * width)
        for (place, row) in rows.enumerated() {
            if let fault = fill(&values, at: place * width, row: row) { throw fault }
        }
        return values
    }

    /// Everything that cannot be compared, at most `limit` rows.
    func faults(limit: Int) -> [AppError] {
        var faults: [AppError] = []
        var scratch = [Double](repeating: 0, count: table.width)
        for row in 0..<table.rowCount where faults.count < limit {
            if let fault = fill(&scratch, at: 0, row: row) { faults.append(fault) }
        }
        return faults
    }

    /// Writes one row to `values[start...]`. - Returns: why it cannot be compared.
    private func fill(_ values: inout [Double], at start: Int, row: Int) -> AppError? {
        let width = table.width
        var largest = 0.0
        for column in 0..<width {
            let value = table.columns[column][row]
            guard value.isFinite, value.magnitude <= RowTable.magnitudeMax else {
                return fault(row, column, "is not a finite number of at most 1e100")
            }
            values[start + column] = value
            largest = max(largest, value.magnitude)
        }
        if measure.isNormalised {
            guard largest >= RowTable.magnitudeMin else {
                return fault(row, 0, "and all other columns are zero, so the row has no direction")
            }
            // By a power of two, which rounds nothing: squares neither overflow nor vanish.
            let scale = Double(sign: .plus, exponent: -largest.exponent, significand: 1)
            for at in start..<start + width { values[at] *= scale }
            largest *= scale
        }
        if measure.isCentred {
            var sum = 0.0
            for at in start..<start + width { sum += values[at] }
            let mean = sum / Double(width)
            for at in start..<start + width { values[at] -= mean }
        }
        var square = 0.0
        for at in start..<start + width { square += values[at] * values[at] }
        switch measure {
        case .dot: return nil
        case .covariance:
            let scale = 1 / Double(max(1, width - 1)).squareRoot()
            for at in start..<start + width { values[at] *= scale }
        case .correlation, .cosine:
            let norm = square.squareRoot()
            // What is left of a constant row is the rounding of its mean.
            guard norm > 1e-13 * largest * Double(width).squareRoot() else {
                return fault(row, 0, "and all other columns hold the same number, so the row has no correlation")
            }
            for at in start..<start + width { values[at] /= norm }
        }
        return nil
    }

    private func fault(_ row: Int, _ column: Int, _ why: String) -> AppError {
        .badInput("\(RowTable.input): row \(row + 1): \(table.names[column]) \(why)")
    }
}
