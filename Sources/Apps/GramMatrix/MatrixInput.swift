import Plugins

/// The scientist's matrix: saved, or made of a seed.
enum MatrixInput: Hashable, Sendable {
    case saved(NpyFile)
    case synthetic(SyntheticMatrix)

    /// The name of the input.
    static let input = "matrix"
    /// Rows or columns.
    static let sideMax = 1 << 24
    /// Beyond this a product of two numbers could overflow.
    static let magnitudeMax = 1e100

    init(_ inputs: InputSet) throws(AppError) {
        switch inputs[Self.input] {
        case .bytes(let bytes)? where bytes.starts(with: NpyFile.magic): self = .saved(try NpyFile(.bytes(bytes)))
        case .bytes(let bytes)?: self = .synthetic(try SyntheticMatrix(bytes))
        case .raw(let raw)?: self = .saved(try NpyFile(.raw(raw)))
        case .table?, nil: throw Self.fault("the matrix is missing")
        }
    }

    var rows: Int {
        switch self {
        case .saved(let file): file.rows
        case .synthetic(let matrix): matrix.rows
        }
    }

    var columns: Int {
        switch self {
        case .saved(let file): file.columns
        case .synthetic(let matrix): matrix.columns
        }
    }

    /// Whether a number of it can be NaN, infinite or too large.
    var needsLook: Bool {
        if case .saved(let file) = self { !file.scalar.isInteger } else { false }
    }

    /// Writes a part of the matrix to `out`, row after row.
    func copy(rows: Range<Int>, columns: Range<Int>, to out: UnsafeMutableBufferPointer<Double>) {
        switch self {
        case .saved(let file): file.copy(rows: rows, columns: columns, to: out)
        case .synthetic(let matrix): matrix.copy(rows: rows, columns: columns, to: out)
        }
    }

    /// A part of the matrix, row after row.
    func part(rows: Range<Int>, columns: Range<Int>) -> [Double] {
        [Double](unsafeUninitializedCapacity: rows.count * columns.count) { buffer, count in
            copy(rows: rows, columns: columns, to: buffer)
            count = rows.count * columns.count
        }
    }

    /// Goes through all rows, some at a time, until `body` says false: the first row, and the numbers row after row.
    func forEachStrip(columns: Range<Int>, _ body: (Int, [Double]) -> Bool) {
        let height = max(1, 65_536 / max(1, columns.count))
        for start in stride(from: 0, to: rows, by: height) {
            let strip = start..<min(rows, start + height)
            guard body(start, part(rows: strip, columns: columns)) else { return }
        }
    }

    /// The mean of each column. Plain sums from the first row on.
    func means() -> [Double] {
        let width = columns
        var sums = [Double](repeating: 0, count: width)
        forEachStrip(columns: 0..<width) { _, strip in
            strip.withUnsafeBufferPointer { numbers in
                sums.withUnsafeMutableBufferPointer { sums in
                    for start in stride(from: 0, to: numbers.count, by: width) {
                        for column in 0..<width { sums[column] += numbers[start + column] }
                    }
                }
            }
            return true
        }
        return sums.map { $0 / Double(rows) }
    }

    /// The first number that cannot be multiplied.
    func fault() -> AppError? {
        guard needsLook else { return nil }
        var fault: AppError?
        forEachStrip(columns: 0..<columns) { start, strip in
            guard let bad = strip.firstIndex(where: { !($0.magnitude <= Self.magnitudeMax) }) else { return true }
            let (row, column) = bad.quotientAndRemainder(dividingBy: columns)
            fault = Self.fault(
                "the number in row \(start + row + 1), column \(column + 1) is not a finite one of at most 1e100")
            return false
        }
        return fault
    }

    static func fault(_ why: String) -> AppError { .badInput("\(input): \(why)") }

    static func requireSize(_ rows: Int, _ columns: Int) throws(AppError) {
        guard 1...sideMax ~= rows, 1...sideMax ~= columns else {
            throw fault("\(rows) x \(columns) numbers; expected: 1 to \(sideMax) rows and columns")
        }
    }
}
