import Bytes
import Domain
import Plugins

/// What one work unit computes: some blocks in a row.
struct SimilarityUnit: Hashable, Sendable {
    var firstBlock: Int
    var blocks: Int
    var grid: BlockGrid
    var measure: Measure
    /// Index of the column that is not compared; nil: all are.
    var labelColumn: Int?

    static let rowsMax = 100_000_000
    /// A block of this size is 32 MiB.
    static let blockRowsMax = 2048

    func block(_ index: Int) -> MatrixBlock { grid.block(firstBlock + index) }

    /// Similarities of the whole result.
    var similarities: Int { (0..<blocks).reduce(0) { $0 + block($1).count } }

    func payload() -> Payload {
        let numbers = [
            firstBlock, blocks, grid.blockRows, grid.rows, Int(measure.code), labelColumn ?? -1,
        ]
        return Payload(sections: [
            PayloadSection(name: "place", kind: .int64, bytes: LittleEndian.bytes(of: numbers.map { Int64($0) }))
        ])
    }
}

extension SimilarityUnit {
    /// - Throws: `.badUnit` when the section is missing or a value is out of its range.
    init(_ payload: Payload) throws(AppError) {
        guard payload.sections.count == 1, let place = payload["place"], place.kind == .int64,
            let values = LittleEndian.int64s(from: place.bytes), values.count == 6
        else { throw .badUnit("expected one section, place, of 6 integers") }
        guard (1...Int64(SimilarityUnit.blockRowsMax)).contains(values[2]),
            (2...Int64(SimilarityUnit.rowsMax)).contains(values[3]), values[2] <= values[3]
        else { throw .badUnit("section place: a size is out of range") }
        grid = BlockGrid(rows: Int(values[3]), blockRows: Int(values[2]))
        guard (0..<Int64(grid.count)).contains(values[0]), (1...1_000_000).contains(values[1]),
            values[1] <= Int64(grid.count) - values[0]
        else { throw .badUnit("section place: a block is out of range") }
        guard let measure = Measure(code: values[4]) else { throw .badUnit("section place: an unknown measure") }
        guard (-1..<Int64(Limits.tableColumnsMax)).contains(values[5]) else {
            throw .badUnit("section place: the label column is out of range")
        }
        (firstBlock, blocks, self.measure) = (Int(values[0]), Int(values[1]), measure)
        labelColumn = values[5] < 0 ? nil : Int(values[5])
        guard similarities <= BlockGrid.numbersMax else {
            throw .badUnit("section place: the result would not fit into a section")
        }
    }
}

/// What a work unit found: its blocks one after another, each row by row.
struct SimilarityResult: Hashable, Sendable {
    static let section = "similarities"
    var values: [Double]

    init(values: [Double]) {
        self.values = values
    }

    /// - Throws: `.badResult` for a missing or unknown section, a wrong size, NaN or infinity.
    init(_ payload: Payload, unit: SimilarityUnit) throws(AppError) {
        values = try NumberSection.read(payload, Self.section, count: unit.similarities)
    }

    func payload() -> Payload { NumberSection.payload(Self.section, values) }
}
