import Compute
import Testing

@Suite struct BLASTests {
    @Test(arguments: [(1, 1, 1), (3, 5, 2), (17, 4, 33), (64, 64, 64)])
    func productIsTheSumOfProducts(_ rows: Int, _ columns: Int, _ inner: Int) {
        let a = (0..<(rows * inner)).map { Double($0 * 7 % 13) - 6 }
        let b = (0..<(inner * columns)).map { Double($0 * 5 % 11) - 5 }
        var expected = [Double](repeating: 0, count: rows * columns)
        for i in 0..<rows {
            for j in 0..<columns {
                for k in 0..<inner { expected[i * columns + j] += a[i * inner + k] * b[k * columns + j] }
            }
        }
        // Whole numbers below 2^53: every order of summation gives the same bits.
        #expect(BLAS.product(rows: rows, columns: columns, inner: inner, a, b) == expected)
    }

    @Test func threadsCanBeSetToOne() {
        BLAS.setThreads(1)
        #expect(BLAS.threads == 1)
    }
}
