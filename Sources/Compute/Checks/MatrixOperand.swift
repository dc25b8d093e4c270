/// A matrix in memory, row after row, as an argument of a check.
///
/// Nothing is trusted at construction; a check looks at `fault` first. Sizes are those of the matrix as it enters the
/// product: a transposed operand is stored as `columns` rows of `rows` elements.
public struct MatrixOperand<Element: Sendable>: Sendable {
    /// Which elements count; the others are not read by a product.
    public enum Part: Hashable, Sendable {
        case all
        /// On and below the diagonal of the stored matrix.
        case lower
        /// Below the diagonal, with ones on it.
        case unitLower
        /// On and above the diagonal.
        case upper
    }

    public var values: [Element]
    public var rows: Int
    public var columns: Int
    /// Elements from one stored row to the next.
    public var leading: Int
    public var isTransposed: Bool
    public var part: Part

    /// - Parameter leading: nil: stored rows lie next to each other.
    public init(
        _ values: [Element], rows: Int, columns: Int, leading: Int? = nil, transposed: Bool = false, part: Part = .all
    ) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? (transposed ? rows : columns)
        isTransposed = transposed
        self.part = part
    }

    /// Each side of a matrix has at most this many elements.
    public static var largestSide: Int { 1 << 24 }

    /// The same memory read the other way.
    public var transpose: MatrixOperand {
        MatrixOperand(
            values, rows: columns, columns: rows, leading: leading, transposed: !isTransposed, part: part)
    }

    var storedRows: Int { isTransposed ? columns : rows }
    var storedColumns: Int { isTransposed ? rows : columns }

    /// Why this is no matrix, or nil. Judges only numbers: hostile sizes neither overflow nor allocate.
    public var fault: String? {
        guard 1...Self.largestSide ~= rows, 1...Self.largestSide ~= columns else {
            return "a size of \(rows) x \(columns) is outside of 1...\(Self.largestSide)"
        }
        guard leading >= storedColumns, leading <= 2 * Self.largestSide else {
            return "rows of \(storedColumns) elements cannot lie \(leading) apart"
        }
        // Below 2^24 · 2^25: no overflow. The last row may end with its last element.
        let most = storedRows * leading
        let least = most - leading + storedColumns
        guard values.count == most || values.count == least else {
            return "\(rows) x \(columns) elements are declared and \(values.count) numbers are there"
        }
        guard part == .all || rows == columns else { return "a triangular matrix of \(rows) x \(columns)" }
        return nil
    }

    /// Stored columns of a stored row that are read; the ones of `unitLower` apart.
    @inline(__always)
    func span(_ row: Int) -> Range<Int> {
        switch part {
        case .all: 0..<storedColumns
        case .lower: 0..<(row + 1)
        case .unitLower: 0..<row
        case .upper: row..<storedColumns
        }
    }

    /// Index in `values` of an element of the operand.
    func index(_ row: Int, _ column: Int) -> Int {
        isTransposed ? column * leading + row : row * leading + column
    }
}

extension MatrixOperand where Element: BinaryFloatingPoint {
    /// One element as the product sees it.
    @specialized(where Element == Double)
    @specialized(where Element == Float)
    func element(_ row: Int, _ column: Int) -> Double {
        let (line, place) = isTransposed ? (column, row) : (row, column)
        if part == .unitLower && line == place { return 1 }
        return span(line).contains(place) ? Double(values[line * leading + place]) : 0
    }

    /// The first element in use that is NaN or infinite, in the operand's own rows and columns.
    @specialized(where Element == Double)
    @specialized(where Element == Float)
    func firstNotFinite() -> (row: Int, column: Int)? {
        for line in 0..<storedRows {
            for place in span(line) where !values[line * leading + place].isFinite {
                return isTransposed ? (place, line) : (line, place)
            }
        }
        return nil
    }

    /// Where the largest magnitude of a whole matrix is.
    @specialized(where Element == Double)
    @specialized(where Element == Float)
    func largest() -> (row: Int, column: Int) {
        var (line, place, found) = (0, 0, -Element.infinity)
        for row in 0..<storedRows {
            for column in 0..<storedColumns where values[row * leading + column].magnitude > found {
                (line, place, found) = (row, column, values[row * leading + column].magnitude)
            }
        }
        return isTransposed ? (place, line) : (line, place)
    }

    /// The first stored element outside of the part in use (a unit diagonal included) that is not exactly zero.
    @specialized(where Element == Double)
    @specialized(where Element == Float)
    func firstOutsideNotZero() -> (row: Int, column: Int)? {
        guard part == .lower || part == .upper else { return nil }
        for line in 0..<storedRows {
            let outside = part == .lower ? (line + 1)..<storedColumns : 0..<line
            let start = line * leading
            for place in outside where values[start + place] != 0 { return (line, place) }
        }
        return nil
    }
}
