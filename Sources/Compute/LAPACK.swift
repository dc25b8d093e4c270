import COpenBLAS

/// The few LAPACK calls that Millrace uses, on row-major square matrices, with sizes checked. One thread, if
/// `BLAS.setThreads(1)` was called.
public enum LAPACK {
    /// The lower Cholesky factor of a symmetric positive definite matrix: zeros above the diagonal.
    /// - Parameter a: `n` x `n`; its lower triangle is read.
    /// - Returns: nil when the matrix is not positive definite.
    public static func cholesky(_ a: [Double], _ n: Int) -> [Double]? {
        precondition(n > 0 && a.count == n * n, "a square matrix")
        var (factor, size, info) = (a, Int32(n), Int32(0))
        // A row-major lower triangle is a column-major upper one: A = UᵀU with U = Lᵀ.
        dpotrf_("U", &size, &factor, &size, &info, 1)
        guard info == 0 else { return nil }
        for row in 0..<n {
            for column in (row + 1)..<max(row + 1, n) { factor[row * n + column] = 0 }
        }
        return factor
    }

    /// P·A = L·U with row interchanges, both factors in one matrix: U on and above the diagonal, L below it.
    /// - Parameter a: `n` x `n`.
    /// - Returns: row i of L·U is row `permutation[i]` of A; nil when a pivot is exactly zero.
    public static func lu(_ a: [Double], _ n: Int) -> (factors: [Double], permutation: [Int])? {
        precondition(n > 0 && a.count == n * n, "a square matrix")
        var (size, info) = (Int32(n), Int32(0))
        var factors = transposed(a, n)
        var pivots = [Int32](repeating: 0, count: n)
        dgetrf_(&size, &size, &factors, &size, &pivots, &info)
        guard info == 0 else { return nil }
        var permutation = Array(0..<n)
        for (row, pivot) in pivots.enumerated() { permutation.swapAt(row, Int(pivot) - 1) }
        return (transposed(factors, n), permutation)
    }

    /// The solution of A x = b by elimination with row interchanges. - Returns: nil when a pivot is exactly zero.
    public static func solve(_ a: [Double], _ b: [Double]) -> [Double]? {
        let n = b.count
        precondition(n > 0 && a.count == n * n, "a square matrix and a right-hand side")
        var (size, one, info) = (Int32(n), Int32(1), Int32(0))
        var (factors, x) = (transposed(a, n), b)
        var pivots = [Int32](repeating: 0, count: n)
        dgesv_(&size, &one, &factors, &size, &pivots, &x, &size, &info)
        return info == 0 ? x : nil
    }

    /// The minimiser of |b - A x| by QR. - Parameter a: `b.count` x `columns`, at least as many rows as columns.
    /// - Returns: nil when a diagonal element of R is exactly zero.
    public static func leastSquares(_ a: [Double], _ b: [Double], columns: Int) -> [Double]? {
        let rows = b.count
        precondition(columns > 0 && rows >= columns && a.count == rows * columns, "at least as many rows as columns")
        // Row-major A is column-major Aᵀ, and LAPACK solves with the transpose of what it is given; for QR of A itself
        // the columns are laid out.
        var factors = [Double](repeating: 0, count: a.count)
        for row in 0..<rows {
            for column in 0..<columns { factors[column * rows + row] = a[row * columns + column] }
        }
        var (m, n, one, info) = (Int32(rows), Int32(columns), Int32(1), Int32(0))
        var x = b
        var length = Int32(columns * 65 + rows)
        var work = [Double](repeating: 0, count: Int(length))
        dgels_("N", &m, &n, &one, &factors, &m, &x, &m, &work, &length, &info, 1)
        return info == 0 ? Array(x[..<columns]) : nil
    }

    /// All eigenpairs of a symmetric matrix, values rising. - Parameter a: `n` x `n`; one triangle is read.
    /// - Returns: row i of `vectors` belongs to `values[i]`; nil when the algorithm did not converge.
    public static func eigenpairs(_ a: [Double], _ n: Int) -> (values: [Double], vectors: [Double])? {
        precondition(n > 0 && n <= 20_000 && a.count == n * n, "a square matrix of at most 20,000 rows")
        var (vectors, size, info) = (a, Int32(n), Int32(0))
        var values = [Double](repeating: 0, count: n)
        var (length, whole) = (Int32(1 + 6 * n + 2 * n * n), Int32(3 + 5 * n))
        var work = [Double](repeating: 0, count: Int(length))
        var indices = [Int32](repeating: 0, count: Int(whole))
        dsyevd_("V", "L", &size, &vectors, &size, &values, &work, &length, &indices, &whole, &info, 1, 1)
        // Column-major columns are row-major rows.
        return info == 0 ? (values, vectors) : nil
    }

    private static func transposed(_ a: [Double], _ n: Int) -> [Double] {
        var out = [Double](repeating: 0, count: a.count)
        // In tiles that stay in cache.
        for top in stride(from: 0, to: n, by: 32) {
            for left in stride(from: 0, to: n, by: 32) {
                for row in top..<min(n, top + 32) {
                    for column in left..<min(n, left + 32) { out[column * n + row] = a[row * n + column] }
                }
            }
        }
        return out
    }
}
