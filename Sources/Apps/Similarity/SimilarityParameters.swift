import Domain
import Plugins

/// The scientist's parameters as they were read, not yet held against the table.
struct SimilarityParameters: Hashable, Sendable {
    var measure: Measure
    var blockRows = 256
    var neighbours = 5
    var strongest = 100
    /// nil: no row has a label.
    var labelColumn: String?

    static let neighboursMax = 100
    static let strongestMax = 10_000

    /// Everything that is wrong with single parameters.
    let faults: [AppError]
    /// Parameters whose value is not known; what depends on them is not judged.
    let unread: Set<String>

    init(_ values: [String: ParameterValue]) {
        var reading = ParameterReading(values)
        measure = reading.word("measure", noun: "measure", default: .correlation)
        if let name = reading.text("label_column"), !name.isEmpty { labelColumn = name }
        blockRows = reading.whole("block_rows", 1...SimilarityUnit.blockRowsMax, default: blockRows)
        neighbours = reading.whole("neighbours", 1...Self.neighboursMax, default: neighbours)
        strongest = reading.whole("strongest", 1...Self.strongestMax, default: strongest)
        (faults, unread) = (reading.faults, reading.unread)
    }
}

/// A project whose parameters and table fit together.
struct SimilarityProject: Sendable {
    let parameters: SimilarityParameters
    let rows: StandardRows
    let grid: BlockGrid
    /// Index of the label's column in the whole table.
    let labelColumn: Int?

    /// More faulty rows are not listed: the message has a bound, and they are of one sort.
    private static let faultyRowsMax = 10

    /// - Throws: everything that is wrong at once, see `AppError.joined`.
    init(_ context: AppContext) throws(AppError) {
        let parameters = SimilarityParameters(context.parameters)
        var faults = parameters.faults
        let whole: Table
        do throws(AppError) {
            whole = try RowTable.table(context.inputs)
        } catch {
            throw AppError.joined(faults + [error]) ?? error
        }
        labelColumn = parameters.labelColumn.flatMap { whole.names.firstIndex(of: $0) }
        if let name = parameters.labelColumn, labelColumn == nil {
            faults.append(Self.unknownLabel(name, whole))
        }
        faults += Self.sizeFaults(parameters, rows: whole.rowCount)
        do throws(AppError) {
            let table = try RowTable(context.inputs, labelColumn: labelColumn)
            rows = StandardRows(table, parameters.measure)
        } catch {
            throw AppError.joined(faults + [error]) ?? error
        }
        let isLabelKnown = parameters.labelColumn == nil || labelColumn != nil
        let columnsMin = parameters.measure.isCentred ? 2 : 1
        if rows.table.width < columnsMin, isLabelKnown, !parameters.unread.contains("measure") {
            faults.append(
                .badInput(
                    "\(RowTable.input): \(rows.table.width) column to compare; expected: at least \(columnsMin) for "
                        + parameters.measure.rawValue))
        } else if isLabelKnown, !parameters.unread.contains("measure") {
            faults += rows.faults(limit: Self.faultyRowsMax)
        }
        if let bad = rows.table.labels?.firstIndex(where: { !$0.isFinite }), let name = parameters.labelColumn {
            faults.append(.badInput("\(RowTable.input): row \(bad + 1): \(name) is not a finite number"))
        }
        grid = BlockGrid(rows: max(2, whole.rowCount), blockRows: min(max(2, whole.rowCount), parameters.blockRows))
        if !parameters.unread.contains("block_rows") {
            faults += Self.loadFaults(parameters, grid, perUnit: context.stepsPerUnit)
        }
        if let error = AppError.joined(faults) { throw error }
        self.parameters = parameters
    }

    private static func unknownLabel(_ name: String, _ table: Table) -> AppError {
        let names = table.names.prefix(12).joined(separator: ", ")
        let more = table.names.count > 12 ? " ... (\(table.names.count) columns)" : ""
        return .badParameter(
            name: "label_column", "the table has no column `\(name)`; expected: one of \(names)\(more)")
    }

    private static func sizeFaults(_ parameters: SimilarityParameters, rows: Int) -> [AppError] {
        guard rows >= 2 else {
            return [.badInput("\(RowTable.input): \(rows) rows cannot be compared; expected: 2 rows or more")]
        }
        guard rows <= SimilarityUnit.rowsMax else {
            return [.badInput("\(RowTable.input): \(rows) rows; expected: at most \(SimilarityUnit.rowsMax)")]
        }
        var faults: [AppError] = []
        func rule(_ name: String, _ value: Int, _ holds: Bool, _ expected: String) {
            guard !holds, !parameters.unread.contains(name) else { return }
            faults.append(
                .badParameter(name: name, "\(value) is too many for a table of \(rows) rows; expected: \(expected)"))
        }
        rule("block_rows", parameters.blockRows, parameters.blockRows <= rows, "at most \(rows)")
        rule("neighbours", parameters.neighbours, parameters.neighbours < rows, "at most \(rows - 1)")
        return faults
    }

    /// What a result, and a batch, can hold.
    private static func loadFaults(
        _ parameters: SimilarityParameters, _ grid: BlockGrid, perUnit: Int
    ) -> [AppError] {
        let steps = min(max(1, perUnit), grid.count)
        let (numbers, isTooLarge) = steps.multipliedReportingOverflow(by: grid.blockRows * grid.blockRows)
        if isTooLarge || numbers > BlockGrid.numbersMax || steps > 1_000_000 {
            return [
                .badParameter(
                    name: "block_rows",
                    "\(steps) blocks (split.steps_per_unit) of \(grid.blockRows) x \(grid.blockRows) do not fit into a "
                        + "result; expected: at most \(BlockGrid.numbersMax) similarities in a work unit")
            ]
        }
        let units = (grid.count + steps - 1) / steps
        guard Int64(units) <= Limits.workUnitsPerBatchMax else {
            return [
                .badParameter(
                    name: "block_rows",
                    "the table makes \(units) work units; expected: larger blocks, or more of them in a unit")
            ]
        }
        return []
    }
}
