import Bytes
import Plugins

/// A matrix that nobody has to send: every number follows from a seed and its place.
///
/// Each draw of SplitMix64 (`SeededGenerator`) gives four numbers of a row, from its low 16 bits to its high ones: as
/// signed integers over 32768, so they lie in -1 ..< 1 and are multiples of 2^-15. A row takes ceil(columns / 4) draws
/// and begins where the one before ended. Products are multiples of 2^-30, so a sum of up to 2^22 of them is exact in
/// double precision, in any order: everybody must find the same Gram matrix, bit for bit.
struct SyntheticMatrix: Hashable, Sendable {
    let rows: Int
    let columns: Int
    let seed: UInt64

    /// What the input's text begins with.
    static let word = "synthetic"
    private static let textBytesMax = 200

    /// - Throws: `.badInput` when the text is not as `synthetic rows=20000 columns=20000 seed=1`.
    init(_ bytes: [UInt8]) throws(AppError) {
        let text = String(decoding: bytes.prefix(Self.textBytesMax + 1), as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" || $0 == "\r" }
        var values: [Substring: UInt64] = [:]
        for word in words.dropFirst() {
            let pair = word.split(separator: "=", omittingEmptySubsequences: false)
            guard pair.count == 2, let value = UInt64(pair[1]), values.updateValue(value, forKey: pair[0]) == nil else {
                throw Self.fault
            }
        }
        guard bytes.count <= Self.textBytesMax, words.first.map(String.init) == Self.word, values.count == 3,
            let rows = values["rows"], let columns = values["columns"], let seed = values["seed"]
        else { throw Self.fault }
        (self.rows, self.columns, self.seed) = (Int(clamping: rows), Int(clamping: columns), seed)
        try MatrixInput.requireSize(self.rows, self.columns)
    }

    private static let fault = MatrixInput.fault(
        "it is neither a .npy file nor a recipe; expected: `\(word) rows=N columns=N seed=N` on one line")

    /// SplitMix64's step.
    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Writes a part of the matrix to `out`, row after row.
    func copy(rows: Range<Int>, columns: Range<Int>, to out: UnsafeMutableBufferPointer<Double>) {
        let draws = (self.columns + 3) / 4
        var at = 0
        for row in rows {
            var column = columns.lowerBound
            var generator = SeededGenerator(
                seed: seed &+ UInt64(row * draws + column / 4) &* Self.step)
            while column < columns.upperBound {
                var draw = generator.next() >> UInt64(16 * (column % 4))
                let end = min(columns.upperBound, column - column % 4 + 4)
                while column < end {
                    out[at] = Double(Int16(truncatingIfNeeded: draw)) * 0x1p-15
                    draw >>= 16
                    at += 1
                    column += 1
                }
            }
        }
    }
}
