import Bytes
import Domain
import Plugins

/// What one work unit computes: some blocks in a row of one product.
struct GramUnit: Hashable, Sendable {
    var product: GramProduct
    var centring: Centring
    var firstBlock: Int
    var blocks: Int
    var blockRows: Int
    /// Of the scientist's matrix.
    var rows: Int
    var columns: Int
    /// Of the columns that take part, in their order; empty: nothing is taken off. They come with the unit, so that
    /// nobody reads the whole matrix for them.
    var means: [Double]

    /// A block of this size just fits into a section.
    static let blockRowsMax = 2896

    var grid: BlockGrid { BlockGrid(rows: product == .columns ? columns : rows, blockRows: blockRows) }

    func block(_ index: Int) -> MatrixBlock { grid.block(firstBlock + index) }

    /// Terms of the sum that makes one number.
    var inner: Int { product == .columns ? rows : columns }

    /// Terms that the kernel adds up at a time: a factor has 16 MiB then, and the block is seldom read and written.
    var slab: Int { max(64, (1 << 21) / blockRows) }
    /// Terms that the check looks at together: a factor stays in cache, and its memory is used again.
    var checkSlab: Int { max(64, (1 << 17) / blockRows) }

    /// Numbers of the whole result.
    var numbers: Int { (0..<blocks).reduce(0) { $0 + block($1).count } }

    /// From the first row or column of the blocks to the last.
    var vectors: Range<Int> {
        let blocks = (0..<blocks).map { block($0) }
        let first = blocks.map(\.rows.lowerBound).min() ?? 0
        return first..<(blocks.map(\.columns.upperBound).max() ?? first)
    }

    /// Multiplications and additions of the products, and about three operations a number to prepare the factors.
    var flops: Double {
        (0..<blocks).reduce(0.0) { sum, index in
            let block = block(index)
            return sum + block.flops(width: inner) + 3 * Double(inner) * Double(block.rows.count + block.columns.count)
        }
    }

    /// Columns of the matrix that take part.
    var meanColumns: Range<Int> { product == .columns ? vectors : 0..<columns }

    func payload() -> Payload {
        let numbers = [Int(product.rawValue), Int(centring.code), firstBlock, blocks, blockRows, rows, columns]
        let place = PayloadSection(
            name: "place", kind: .int64, bytes: LittleEndian.bytes(of: numbers.map { Int64($0) }))
        guard centring == .mean else { return Payload(sections: [place]) }
        return Payload(sections: [
            place, PayloadSection(name: "means", kind: .float64, bytes: LittleEndian.bytes(of: means)),
        ])
    }
}

extension GramUnit {
    /// - Throws: `.badUnit` when a section is missing or a value is out of its range.
    init(_ payload: Payload) throws(AppError) {
        guard let place = payload["place"], place.kind == .int64,
            let values = LittleEndian.int64s(from: place.bytes), values.count == 7
        else { throw .badUnit("expected a section, place, of 7 integers") }
        guard let product = GramProduct(rawValue: values[0]),
            let centring = Centring.allCases.first(where: { $0.code == values[1] })
        else { throw .badUnit("section place: an unknown product") }
        (self.product, self.centring) = (product, centring)
        let side = Int64(MatrixInput.sideMax)
        guard 1...side ~= values[5], 1...side ~= values[6], 1...Int64(GramUnit.blockRowsMax) ~= values[4] else {
            throw .badUnit("section place: a size is out of range")
        }
        (blockRows, rows, columns) = (Int(values[4]), Int(values[5]), Int(values[6]))
        let count = BlockGrid(rows: product == .columns ? columns : rows, blockRows: blockRows).count
        guard (0..<Int64(count)).contains(values[2]), (1...1_000_000).contains(values[3]),
            values[3] <= Int64(count) - values[2]
        else { throw .badUnit("section place: a block is out of range") }
        (firstBlock, blocks, means) = (Int(values[2]), Int(values[3]), [])
        guard numbers <= BlockGrid.numbersMax else {
            throw .badUnit("section place: the result would not fit into a section")
        }
        guard payload.sections.count == (centring == .mean ? 2 : 1) else {
            throw .badUnit("\(payload.sections.count) sections")
        }
        guard centring == .mean else { return }
        guard let section = payload["means"], section.kind == .float64,
            let means = LittleEndian.doubles(from: section.bytes), means.count == meanColumns.count,
            means.allSatisfy({ $0.magnitude <= MatrixInput.magnitudeMax })
        else { throw .badUnit("expected a section, means, of \(meanColumns.count) finite numbers") }
        self.means = means
    }

    /// What the blocks are made of. - Throws: `.badInput` when the matrix is not the one that it was cut for.
    func factor(_ inputs: InputSet) throws(AppError) -> GramFactor {
        let matrix = try MatrixInput(inputs)
        guard matrix.rows == rows, matrix.columns == columns else {
            throw MatrixInput.fault(
                "\(matrix.rows) x \(matrix.columns) numbers, the work unit is for \(rows) x \(columns)")
        }
        return GramFactor(matrix, product, means: means, first: meanColumns.lowerBound)
    }
}

/// What a work unit found: its blocks one after another, each row by row. Not divided by anything.
struct GramResult: Hashable, Sendable {
    static let section = "products"
    var values: [Double]

    init(values: [Double]) {
        self.values = values
    }

    /// - Parameter allowsNaN: NaN and infinity are not looked for: the caller does it.
    /// - Throws: `.badResult` for a missing or unknown section, a wrong size, NaN or infinity.
    init(_ payload: Payload, unit: GramUnit, allowsNaN: Bool = false) throws(AppError) {
        values = try NumberSection.read(payload, Self.section, count: unit.numbers, allowsNaN: allowsNaN)
    }

    func payload() -> Payload { NumberSection.payload(Self.section, values) }
}
