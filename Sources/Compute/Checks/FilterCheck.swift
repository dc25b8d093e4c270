import Domain
import Glibc

/// The check of a convolution with a fixed filter by secret projection: r·(h * x) = (Hᵀr)·x.
///
/// Hᵀr, the correlation of r with the filter, is computed once; each claim then costs two sums, however long the
/// filter is. The tolerance covers direct summation and convolution by FFT.
public struct FilterCheck: Sendable {
    /// Which of the sums y[n] = Σ h[k] x[n-k] are claimed.
    public enum Kind: Hashable, Sendable {
        /// All of them, x being zero outside: N + M - 1 numbers.
        case full
        /// The first N: a FIR filter that starts from rest.
        case causal
        /// N numbers, indices modulo N; a filter longer than N is folded.
        case circular
    }

    public let kind: Kind
    public let filter: [Double]
    /// N, numbers of an input.
    public let length: Int
    public let trials: Int
    private let vectors: [[Double]]
    private let images: [[Double]]
    private let problem: String?

    /// The most numbers of filter and input together.
    public static let largestSize = 1 << 23

    /// - Parameter filter: M coefficients; single precision is widened by the caller without loss.
    /// - Parameter challenge: drawn after all claims of the unit were stored.
    public init(_ kind: Kind, filter: [Double], length: Int, trials: Int = 2, challenge: UInt64) {
        self.kind = kind
        self.filter = filter
        self.length = length
        self.trials = min(8, max(1, trials))
        guard 1...Self.largestSize ~= length, 1...Self.largestSize ~= filter.count else {
            (vectors, images) = ([], [])
            problem = "filter and input have 1 to 2^23 numbers, not \(filter.count) and \(length)"
            return
        }
        guard filter.allSatisfy(\.isFinite) else {
            (vectors, images, problem) = ([], [], "the filter is not finite")
            return
        }
        var source = Challenge(challenge, stream: 4)
        let outputs = kind == .full ? length + filter.count - 1 : length
        let vectors = (0..<self.trials).map { _ in source.gaussians(outputs) }
        let images = Self.correlations(vectors, kind, filter, length)
        self.vectors = vectors
        self.images = images ?? []
        problem = images == nil ? "no memory for \(outputs) numbers" : nil
    }

    public var outputCount: Int {
        problem == nil ? (kind == .full ? length + filter.count - 1 : length) : 0
    }

    /// The job counted as three FFTs of the padded size or as direct sums, whichever is less.
    public var cost: CheckCost {
        let (n, m) = (Double(length), Double(filter.count))
        let transform = 2.5 * (n + m) * log2(n + m + 1)
        return CheckCost(
            job: min(2 * n * m, 3 * transform), check: (n + Double(outputCount)) * (2 * Double(trials) + 2),
            preparation: Double(trials) * (6 * transform + 20 * n))
    }

    /// - Parameter input: N numbers that the unit names. - Parameter output: the claim.
    public func verify<Scalar: CheckedReal>(input: [Scalar], output: [Scalar]) -> Proof {
        if let problem { return .undecided(problem) }
        guard input.count == length else { return .undecided("the input has \(input.count) numbers, not \(length)") }
        guard output.count == outputCount else {
            return .malformed("the output has \(output.count) numbers, not \(outputCount)")
        }
        var worst = (distance: 0.0, share: -1.0, tolerance: 0.0)
        for trial in 0..<trials {
            let x = Self.project(input, images[trial])
            let y = Self.project(output, vectors[trial])
            guard x.square.isFinite else { return .undecided("the input is not finite, or too large to bound") }
            // Every element is at most |h|₁|x|₂.
            let norm = filter.reduce(0) { $0 + abs($1) } * x.square.squareRoot()
            guard y.square.isFinite, norm.isFinite else {
                return output.withUnsafeBufferPointer { Projections.refusal($0, largest: norm) }
            }
            let distance = abs(x.dot.x - y.dot.x)
            let tolerance = tolerance(Scalar.self, norm, y.square.squareRoot())
            let share = distance <= tolerance ? (distance == 0 ? 0 : distance / tolerance) : .infinity
            if !(share <= worst.share) { worst = (distance, share, tolerance) }
        }
        guard worst.share <= 1 else {
            return .fails(
                Difference(element: "projection of the output", distance: worst.distance, tolerance: worst.tolerance),
                "a secret combination of the output is not that of the filtered input")
        }
        return .holds(
            ProofEvidence(
                share: worst.share, tolerance: worst.tolerance, missProbability: GaussianStrength.quotedMiss,
                floor: GaussianStrength.floor(tolerance: worst.tolerance, trials: trials), cost: cost))
    }

    private func tolerance<S: CheckedReal>(_: S.Type, _ norm: Double, _ claimed: Double) -> Double {
        let stages = log2(Double(length + filter.count) + 1)
        let transforms = 3 * RoundingModel.own * (2 * stages.squareRoot() + 2)
        let units = transforms + RoundingModel.probable.spread(filter.count)
        let own = RoundingModel.probable.own(Projections.chain)
        let subnormal = Double(S.leastNonzeroMagnitude) * Double(length + filter.count) * (stages + 2)
        return units * (S.unitRoundoff + Double.unitRoundoff) * norm + own * (norm + claimed) + subnormal
    }

    private static func project<S: CheckedReal>(_ values: [S], _ vector: [Double]) -> ProjectionSums {
        values.withUnsafeBufferPointer { x in vector.withUnsafeBufferPointer { S.project(x, on: $0) } }
    }

    /// s[j] = Σ h[k] r[j+k]: short filters directly, long ones by FFT in double precision.
    private static func correlations(
        _ vectors: [[Double]], _ kind: Kind, _ filter: [Double], _ length: Int
    ) -> [[Double]]? {
        if Double(filter.count) * Double(length) <= 0x1p20 {
            return vectors.map { r in
                (0..<length).map { j in
                    filter.indices.reduce(0.0) { sum, k in
                        let at = kind == .circular ? (j + k) % length : j + k
                        return at < r.count ? sum + filter[k] * r[at] : sum
                    }
                }
            }
        }
        var size = 1
        while size < length + filter.count { size *= 2 }
        if kind == .circular { size = length }
        guard let there = ComplexPlan(size: size, direction: .forward, effort: .estimate),
            let back = ComplexPlan(size: size, direction: .backward, effort: .estimate)
        else { return nil }
        var pairs = [Double](repeating: 0, count: 2 * size)
        for (k, value) in filter.enumerated() { pairs[2 * (k % size)] += value }
        guard let h = there.transform(pairs) else { return nil }
        var images: [[Double]] = []
        for r in vectors {
            pairs = [Double](repeating: 0, count: 2 * size)
            for (n, value) in r.enumerated() { pairs[2 * n] = value }
            guard var product = there.transform(pairs) else { return nil }
            for k in 0..<size {
                let (a, b) = (product[2 * k], product[2 * k + 1])
                let (c, d) = (h[2 * k], -h[2 * k + 1])
                (product[2 * k], product[2 * k + 1]) = (a * c - b * d, a * d + b * c)
            }
            guard let image = back.transform(product) else { return nil }
            images.append((0..<length).map { image[2 * $0] / Double(size) })
        }
        return images
    }
}
