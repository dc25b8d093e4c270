/// What a matrix is multiplied by in one pass over its memory.
public struct PassVectors: Sendable {
    /// Which sums bound the rounding.
    enum Bounds {
        /// Σ|x|w alone; the squares are not meant.
        case absolute
        /// Both, with the same weights.
        case same
        /// Both, each with its own.
        case both

        /// As the C kernel names them.
        var code: Int32 {
            switch self {
            case .absolute: 0
            case .same: 1
            case .both: 2
            }
        }
    }

    let trials: Int
    /// Elements of each vector: the operand's columns.
    let length: Int
    /// The vectors of the trials one after another, then the weights w of Σ|x|w, then those of sqrt(Σ(xw)²).
    let values: [Double]
    let bounds: Bounds

    /// - Parameter square: nil: `absolute` serves for both.
    init(trials: [[Double]], absolute: [Double], square: [Double]?) {
        bounds = square == nil ? .same : .both
        self.trials = trials.count
        length = absolute.count
        values = trials.flatMap { $0 } + absolute + (square ?? absolute)
    }

    /// Without squares.
    init(trials: [[Double]], absolute: [Double]) {
        bounds = .absolute
        self.trials = trials.count
        length = absolute.count
        values = trials.flatMap { $0 } + absolute + absolute
    }
}

/// What a pass gives, an element per row of the operand.
public struct PassSums: Sendable {
    var dots: [[Double]]
    var absolute: [Double]
    /// The root is taken already.
    var square: [Double]
    /// Longest run of additions into one accumulator.
    var chain: Int
}

/// One pass over a matrix: products with a few vectors, and the sums that bound their rounding. Memory is read once;
/// that, not arithmetic, is the cost of a check.
enum MatrixPass {
    @inline(__always)
    static func run<S: CheckedReal>(_ matrix: MatrixOperand<S>, _ vectors: PassVectors) -> PassSums {
        precondition(vectors.length == matrix.columns && vectors.trials > 0, "vectors fit the operand")
        let rows = matrix.rows
        // Laid out like the vectors: sums of the trials, of magnitudes, of squares.
        var out = [Double](repeating: 0, count: (vectors.trials + 2) * rows)
        out.withUnsafeMutableBufferPointer { sums in
            vectors.values.withUnsafeBufferPointer { inputs in
                matrix.values.withUnsafeBufferPointer { values in
                    guard let base = values.baseAddress, let v = inputs.baseAddress, let to = sums.baseAddress
                    else { return }
                    guard !matrix.isTransposed else { return columnwise(matrix, base, v, vectors.trials, to) }
                    switch vectors.bounds {
                    case .absolute: rowwise(matrix, base, v, vectors.trials, to, .absolute)
                    case .same: rowwise(matrix, base, v, vectors.trials, to, .same)
                    case .both: rowwise(matrix, base, v, vectors.trials, to, .both)
                    }
                }
            }
        }
        func piece(_ at: Int) -> [Double] { Array(out[(at * rows)..<((at + 1) * rows)]) }
        return PassSums(
            dots: (0..<vectors.trials).map(piece), absolute: piece(vectors.trials),
            square: piece(vectors.trials + 1).map { $0.squareRoot() }, chain: chain(matrix))
    }

    /// Longest run of additions of a pass over this operand.
    static func chain<S>(_ m: MatrixOperand<S>) -> Int {
        m.isTransposed
            ? m.columns : min(m.columns / 4, RowSums.block / 4) + m.columns / RowSums.block + 16
    }

    /// Vectors go in pairs: a pair and both bounds fill the registers of the oldest 64-bit processors, and a row stays
    /// in the first cache for the next pair.
    @inline(__always)
    private static func rowwise<S: CheckedReal>(
        _ m: MatrixOperand<S>, _ base: UnsafePointer<S>, _ v: UnsafePointer<Double>, _ trials: Int,
        _ to: UnsafeMutablePointer<Double>, _ bounds: PassVectors.Bounds
    ) {
        let (rows, length) = (m.rows, m.columns)
        let (absolute, square) = (v + trials * length, v + (trials + 1) * length)
        for row in 0..<rows {
            let span = m.span(row)
            let (from, skip) = (base + (row * m.leading + span.lowerBound), span.lowerBound)
            for first in stride(from: 0, to: trials, by: 2) {
                let second = min(first + 1, trials - 1)
                let (one, two) = (v + first * length, v + second * length)
                var four = RowSums.sums(
                    from, span.count, one + skip, two + skip, absolute + skip, square + skip, bounds)
                if m.part == .unitLower {
                    four += SIMD4(one[row], two[row], absolute[row], square[row] * square[row])
                }
                to[first * rows + row] = four[0]
                to[second * rows + row] = four[1]
                to[trials * rows + row] = four[2]
                to[(trials + 1) * rows + row] = four[3]
            }
        }
    }

    /// The operand is the transpose of what is stored: every stored row is added to the sums, scaled. Strips of
    /// columns keep the sums in the first cache.
    @inline(__always)
    private static func columnwise<S: CheckedReal>(
        _ m: MatrixOperand<S>, _ base: UnsafePointer<S>, _ v: UnsafePointer<Double>, _ trials: Int,
        _ to: UnsafeMutablePointer<Double>
    ) {
        let (rows, length, strip) = (m.rows, m.columns, 512)
        let (absolute, square) = (v + trials * length, v + (trials + 1) * length)
        for left in stride(from: 0, to: rows, by: strip) {
            for line in 0..<length {
                let span = m.span(line).clamped(to: left..<min(rows, left + strip))
                let (from, start) = (base + (line * m.leading + span.lowerBound), to + span.lowerBound)
                RowSums.addBounds(
                    from, span.count, absolute[line], square[line], start + trials * rows,
                    start + (trials + 1) * rows)
                for trial in 0..<trials {
                    RowSums.add(from, span.count, v[trial * length + line], start + trial * rows)
                }
            }
        }
        guard m.part == .unitLower else { return }
        for line in 0..<length {
            for trial in 0..<trials { to[trial * rows + line] += v[trial * length + line] }
            to[trials * rows + line] += absolute[line]
            to[(trials + 1) * rows + line] += square[line] * square[line]
        }
    }
}
