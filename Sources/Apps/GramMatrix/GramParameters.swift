import Domain
import Plugins

/// The scientist's parameters as they were read, not yet held against the matrix.
struct GramParameters: Hashable, Sendable {
    let product: ProductChoice
    let centring: Centring
    let blockRows: Int
    let components: Int
    /// Pixels of a line; 0: rows are no images.
    let imageWidth: Int
    /// Everything that is wrong with single parameters.
    let faults: [AppError]
    /// Parameters whose value is not known; what depends on them is not judged.
    let unread: Set<String>

    static let componentsMax = 1000
    static let imageWidthMax = 4096

    init(_ values: [String: ParameterValue]) {
        var reading = ParameterReading(values)
        product = reading.word("product", noun: "product", default: .columns)
        centring = reading.word("centre", noun: "way to centre", default: .mean)
        blockRows = reading.whole("block_rows", 8...GramUnit.blockRowsMax, default: 1024)
        components = reading.whole("components", 1...Self.componentsMax, default: 20)
        imageWidth = reading.whole("image_width", 0...Self.imageWidthMax, default: 0)
        (faults, unread) = (reading.faults, reading.unread)
    }
}

/// A project whose parameters and matrix fit together.
struct GramProject: Sendable {
    let parameters: GramParameters
    let matrix: MatrixInput
    /// Of all columns; empty: nothing is taken off.
    private(set) var means: [Double] = []

    /// The assembler holds the product of all columns, and finds its eigenvectors.
    static let columnsMax = 4096
    /// A work unit carries the means of its columns: 512 KiB.
    static let meansMax = 1 << 16

    /// - Throws: everything that is wrong at once, see `AppError.joined`.
    init(_ context: AppContext) throws(AppError) {
        let parameters = GramParameters(context.parameters)
        var faults = parameters.faults
        do throws(AppError) {
            matrix = try MatrixInput(context.inputs)
        } catch {
            throw AppError.joined(faults + [error]) ?? error
        }
        self.parameters = parameters
        if let fault = matrix.fault() { faults.append(fault) }
        if !parameters.unread.contains("product") {
            faults += columnFaults()
            if !parameters.unread.contains("block_rows") { faults += loadFaults(perUnit: context.stepsPerUnit) }
        }
        if let error = AppError.joined(faults) { throw error }
        means = parameters.centring == .mean ? matrix.means() : []
    }

    /// The first unit of a product starts with block 0 of its grid.
    func unit(_ product: GramProduct, first: Int, blocks: Int) -> GramUnit {
        let side = product == .columns ? matrix.columns : matrix.rows
        var unit = GramUnit(
            product: product, centring: parameters.centring, firstBlock: first, blocks: blocks,
            blockRows: min(side, parameters.blockRows), rows: matrix.rows, columns: matrix.columns, means: [])
        if !means.isEmpty { unit.means = Array(means[unit.meanColumns]) }
        return unit
    }

    func grid(_ product: GramProduct) -> BlockGrid { unit(product, first: 0, blocks: 1).grid }

    private func columnFaults() -> [AppError] {
        var faults: [AppError] = []
        if parameters.centring == .mean, matrix.rows < 2, !parameters.unread.contains("centre") {
            faults.append(MatrixInput.fault("1 row has no covariance; expected: 2 rows or more, or `centre: none`"))
        }
        let columns = matrix.columns
        if parameters.centring == .mean, columns > Self.meansMax, !parameters.unread.contains("centre") {
            faults.append(
                .badParameter(
                    name: "centre",
                    "the means of \(columns) columns do not fit into a work unit; expected: `none`, or at most "
                        + "\(Self.meansMax) columns"))
        }
        guard parameters.product.products.contains(.columns) else { return faults }
        if columns > Self.columnsMax {
            faults.append(
                .badParameter(
                    name: "product",
                    "`\(parameters.product.rawValue)` with \(columns) columns does not fit into the answer; expected: "
                        + "`rows`, or at most \(Self.columnsMax) columns"))
        }
        func rule(_ name: String, _ holds: Bool, _ why: String) {
            guard !holds, !parameters.unread.contains(name) else { return }
            faults.append(.badParameter(name: name, why))
        }
        rule(
            "components", parameters.components <= columns,
            "\(parameters.components) are too many for \(columns) columns; expected: at most \(columns)")
        rule(
            "image_width", parameters.imageWidth == 0 || columns % parameters.imageWidth == 0,
            "\(columns) columns make no lines of \(parameters.imageWidth) pixels; expected: a divisor of \(columns)")
        return faults
    }

    /// What a result and a batch can hold.
    private func loadFaults(perUnit: Int) -> [AppError] {
        var faults: [AppError] = []
        var units = 0
        for product in parameters.product.products {
            let one = unit(product, first: 0, blocks: 1)
            let steps = min(max(1, perUnit), one.grid.count)
            let (numbers, isTooLarge) = steps.multipliedReportingOverflow(by: one.blockRows * one.blockRows)
            if isTooLarge || numbers > BlockGrid.numbersMax || steps > 1_000_000 {
                faults.append(
                    .badParameter(
                        name: "block_rows",
                        "\(steps) blocks (split.steps_per_unit) of \(one.blockRows) x \(one.blockRows) do not fit into "
                            + "a result; expected: at most \(BlockGrid.numbersMax) numbers in a work unit"))
            }
            units += (one.grid.count + steps - 1) / steps
        }
        if Int64(units) > Limits.workUnitsPerBatchMax {
            faults.append(
                .badParameter(
                    name: "block_rows",
                    "the matrix makes \(units) work units; expected: larger blocks, or more of them in a unit"))
        }
        return faults
    }
}
