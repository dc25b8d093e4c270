import Compute
import Plugins

/// The eigenpairs of the product of all columns, largest first, and how good they are.
struct PrincipalComponents: Hashable, Sendable {
    /// All eigenvalues, falling.
    let values: [Double]
    /// The first `count` eigenvectors of norm 1, one after another; the element of the largest magnitude is positive.
    let vectors: [Double]
    let count: Int
    /// Columns of the matrix.
    let width: Int
    /// Largest |C v - λ v| of the listed pairs, over the largest eigenvalue.
    let residual: Double
    /// Largest |v·w - δ| of the listed vectors.
    let skew: Double
    /// The sum of all eigenvalues: the trace.
    let total: Double

    /// - Parameter matrix: symmetric, `width` x `width`.
    /// - Throws: `.badResult` when the eigenvectors are not what they should be.
    init(_ matrix: [Double], width: Int, count: Int) throws(AppError) {
        guard let pairs = LAPACK.eigenpairs(matrix, width) else {
            throw .badResult("LAPACK found no eigenvectors of the product of the columns")
        }
        // The one product is the server's own work, so nobody can have seen the challenge.
        let proof = EigenCheck(MatrixOperand(matrix, rows: width, columns: width)).verify(
            values: pairs.values, vectors: MatrixOperand(pairs.vectors, rows: width, columns: width),
            isComplete: true, challenge: 1)
        guard proof.isHeld else { throw .badResult("the eigenvectors are wrong: \(proof)") }
        var vectors: [Double] = []
        for place in 0..<count {
            let start = (width - 1 - place) * width
            vectors += Self.turned(pairs.vectors[start..<start + width])
        }
        values = pairs.values.reversed()
        (self.vectors, self.count, self.width) = (vectors, count, width)
        total = values.reversed().reduce(0, +)
        let listed = MatrixOperand(vectors, rows: count, columns: width)
        var images = [Double](repeating: 0, count: count * width)
        BLAS.multiply(listed, MatrixOperand(matrix, rows: width, columns: width), into: &images)
        var products = [Double](repeating: 0, count: count * count)
        BLAS.multiply(listed, listed.transpose, into: &products)
        residual = Self.residual(values, vectors, images, width: width)
        skew = products.indices.reduce(0) { max($0, abs(products[$1] - ($1 % (count + 1) == 0 ? 1 : 0))) }
    }

    /// Either sign is an eigenvector; this one is the same on every machine, unless two elements tie.
    private static func turned(_ vector: ArraySlice<Double>) -> [Double] {
        let largest = vector.max { $0.magnitude < $1.magnitude } ?? 0
        return largest < 0 ? vector.map { -$0 } : Array(vector)
    }

    private static func residual(
        _ values: [Double], _ vectors: [Double], _ images: [Double], width: Int
    ) -> Double {
        let scale = values.first ?? 0
        guard scale > 0 else { return 0 }
        return stride(from: 0, to: images.count, by: width).reduce(0) { worst, start in
            let value = values[start / width]
            let square = (start..<start + width).reduce(0) { sum, at in
                let off = images[at] - value * vectors[at]
                return sum + off * off
            }
            return max(worst, square.squareRoot() / scale)
        }
    }

    /// A component's part of the trace.
    func share(_ index: Int) -> Double { total > 0 ? values[index] / total : 0 }

    /// The parts of the first components up to this one.
    func cumulative(_ index: Int) -> Double {
        total > 0 ? values[...index].reduce(0, +) / total : 0
    }

    func vector(_ index: Int) -> ArraySlice<Double> { vectors[index * width..<(index + 1) * width] }
}
