import COpenBLAS

/// The few OpenBLAS calls that Millrace uses, with sizes checked.
public enum BLAS {
    /// OpenBLAS starts a thread per core otherwise, and several tasks on one machine would fight each other.
    public static func setThreads(_ count: Int) {
        openblas_set_num_threads(Int32(clamping: max(1, count)))
    }

    /// Threads that OpenBLAS would use for a large product.
    public static var threads: Int { Int(openblas_get_num_threads()) }

    /// For example `openblas-0.3.21 haswell`: the library and the processor that it chose its loops for.
    public static var libraryVersion: String {
        let words = String(cString: openblas_get_config()).split(separator: " ")
        let version = words.count > 1 ? "\(words[1])" : "unknown"
        return "openblas-\(version) \(String(cString: openblas_get_corename()).lowercased())"
    }

    /// `a · b`, row by row. - Parameter a: `rows` x `inner`. - Parameter b: `inner` x `columns`.
    public static func product(rows: Int, columns: Int, inner: Int, _ a: [Double], _ b: [Double]) -> [Double] {
        precondition(rows > 0 && columns > 0 && inner > 0, "matrices have at least one row and column")
        precondition(a.count == rows * inner && b.count == inner * columns, "matrix sizes do not fit")
        var c = [Double](repeating: 0, count: rows * columns)
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, numericCast(rows), numericCast(columns), numericCast(inner), 1,
            a, numericCast(inner), b, numericCast(columns), 0, &c, numericCast(columns))
        return c
    }

    /// C = op(A)·op(B), row by row, with row strides. - Parameter a: the left factor. - Parameter b: the right factor.
    /// - Parameter c: `a.rows` x `b.columns` elements, rows next to each other.
    /// - Parameter adding: C + op(A)·op(B) instead.
    /// - Precondition: operands without `fault` or triangles, and fitting sizes.
    public static func multiply(
        _ a: MatrixOperand<Double>, _ b: MatrixOperand<Double>, into c: inout [Double], adding: Bool = false
    ) {
        requireFit(a, b, c.count)
        cblas_dgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
            numericCast(a.rows), numericCast(b.columns), numericCast(a.columns), 1, a.values, numericCast(a.leading),
            b.values, numericCast(b.leading), adding ? 1 : 0, &c, numericCast(b.columns))
    }

    /// The same in single precision.
    public static func multiply(_ a: MatrixOperand<Float>, _ b: MatrixOperand<Float>, into c: inout [Float]) {
        requireFit(a, b, c.count)
        cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
            numericCast(a.rows), numericCast(b.columns), numericCast(a.columns), 1, a.values, numericCast(a.leading),
            b.values, numericCast(b.leading), 0, &c, numericCast(b.columns))
    }

    private static func requireFit<S>(_ a: MatrixOperand<S>, _ b: MatrixOperand<S>, _ count: Int) {
        precondition(a.fault == nil && b.fault == nil && a.part == .all && b.part == .all, "whole matrices")
        precondition(a.columns == b.rows && count == a.rows * b.columns, "matrix sizes do not fit")
    }
}
