import Bytes
import Compute
import Glibc

func numbers(_ count: Int, seed: UInt64) -> [Double] {
    var source = Challenge(seed)
    return source.gaussians(count)
}

func products(_ n: Int) {
    let (x, y) = (numbers(n * n, seed: 1), numbers(n * n, seed: 2))
    let (a, b) = (MatrixOperand(x, rows: n, columns: n), MatrixOperand(y, rows: n, columns: n))
    var c = [Double](repeating: 0, count: n * n)
    let job = best(of: repeats) { BLAS.multiply(a, b, into: &c) }
    product("dgemm \(n)^3", a, b, c, n, job)
    let batch = ProductBatch(right: b, challenge: 9)
    var proof = Proof.undecided("")
    let claim = MatrixOperand(c, rows: n, columns: n)
    let check = best(of: repeats) { proof = batch.verify(a, claim) }
    report("dgemm, one factor shared, 2 vectors", job: job, check: check, proof)

    let (s, t) = (a.values.map(Float.init), b.values.map(Float.init))
    let (f, g) = (MatrixOperand(s, rows: n, columns: n), MatrixOperand(t, rows: n, columns: n))
    var h = [Float](repeating: 0, count: n * n)
    product("sgemm \(n)^3", f, g, h, n, best(of: repeats) { BLAS.multiply(f, g, into: &h) }, h)
}

func product<S: CheckedReal>(
    _ name: String, _ a: MatrixOperand<S>, _ b: MatrixOperand<S>, _ c: [S], _ n: Int, _ job: Double, _ later: [S]? = nil
) {
    let claim = MatrixOperand(later ?? c, rows: n, columns: n)
    for trials in [1, 2] {
        var proof = Proof.undecided("")
        let check = best(of: repeats) { proof = ProductCheck(a, b, trials: trials).verify(claim, challenge: 77) }
        report("\(name), \(trials) vector\(trials > 1 ? "s" : "")", job: job, check: check, proof)
    }
}

func integers(_ n: Int) {
    var source = SeededGenerator(seed: 5)
    let x = (0..<(n * n)).map { _ in Int64(source.nextIndex(below: 1 << 24)) - 1 << 23 }
    let y = (0..<(n * n)).map { _ in Int64(source.nextIndex(below: 1 << 24)) - 1 << 23 }
    var c = [Int64](repeating: 0, count: n * n)
    let job = best(of: isQuick ? 2 : 3) {
        for i in 0..<n {
            for j in 0..<n { c[i * n + j] = 0 }
            for l in 0..<n {
                let factor = x[i * n + l]
                for j in 0..<n { c[i * n + j] &+= factor &* y[l * n + j] }
            }
        }
    }
    let check = FieldProductCheck(MatrixOperand(x, rows: n, columns: n), MatrixOperand(y, rows: n, columns: n))
    let claim = MatrixOperand(c, rows: n, columns: n)
    var proof = Proof.undecided("")
    let time = best(of: repeats) { proof = check.verify(claim, challenge: 78) }
    report("Int64 product \(n)^3, plain loops", job: job, check: time, proof)
}

func factors(_ n: Int) {
    let random = numbers(n * n, seed: 3)
    var gram = [Double](repeating: 0, count: n * n)
    let operand = MatrixOperand(random, rows: n, columns: n)
    BLAS.multiply(operand, operand.transpose, into: &gram)
    for row in 0..<n { gram[row * n + row] += Double(n) }
    var factor: [Double]?
    let cholesky = best(of: isQuick ? 2 : 3) { factor = LAPACK.cholesky(gram, n) }
    let check = CholeskyCheck(MatrixOperand(gram, rows: n, columns: n))
    if let factor {
        var proof = Proof.undecided("")
        let claim = MatrixOperand(factor, rows: n, columns: n)
        let time = best(of: repeats) { proof = check.verify(claim, challenge: 79) }
        report("Cholesky \(n), 2 vectors", job: cholesky, check: time, proof)
    }
    var both: (factors: [Double], permutation: [Int])?
    let decomposition = best(of: isQuick ? 2 : 3) { both = LAPACK.lu(random, n) }
    if let both {
        var proof = Proof.undecided("")
        let claim = MatrixOperand(both.factors, rows: n, columns: n)
        let check = LUCheck(operand)
        let time = best(of: repeats) { proof = check.verify(claim, permutation: both.permutation, challenge: 80) }
        report("LU \(n), 2 vectors", job: decomposition, check: time, proof)
    }
    let right = numbers(n, seed: 4)
    var solution: [Double]?
    let job = best(of: isQuick ? 2 : 3) { solution = LAPACK.solve(random, right) }
    if let solution {
        var proof = Proof.undecided("")
        let solve = SolveCheck(operand, right)
        let time = best(of: repeats) { proof = solve.verify(solution) }
        report("solve \(n)", job: job, check: time, proof)
    }
    eigenpairs(isQuick ? 200 : 1000)
}

func eigenpairs(_ n: Int) {
    var symmetric = numbers(n * n, seed: 6)
    for row in 0..<n {
        for column in 0..<row { symmetric[row * n + column] = symmetric[column * n + row] }
    }
    var pairs: (values: [Double], vectors: [Double])?
    let job = best(of: isQuick ? 1 : 2) { pairs = LAPACK.eigenpairs(symmetric, n) }
    guard let pairs else { return }
    let check = EigenCheck(MatrixOperand(symmetric, rows: n, columns: n))
    let claim = MatrixOperand(pairs.vectors, rows: n, columns: n)
    var proof = Proof.undecided("")
    let time = best(of: repeats) {
        proof = check.verify(values: pairs.values, vectors: claim, isComplete: true, challenge: 81)
    }
    report("all eigenpairs of \(n), 2 vectors", job: job, check: time, proof)
}
