import Domain
import Glibc

/// The check of a Fourier or cosine transform by secret projection: r·(F x) = (Fᵀr)·x.
///
/// s = Fᵀr costs one transform and serves every transform of this size in a unit; each claim then costs two sums. The
/// vector r is Gaussian: neither a ±1 vector nor Parseval's sum finds a swap, a phase or a cancelling pair.
///
/// Rounding: the error of an FFT has a 2-norm of about u sqrt(log2 N) |y| (Schatzman, SIAM J. Sci. Comput. 17, 1996;
/// Higham, "Accuracy and Stability", section 24.1 for the worst case), and r, drawn after it, meets it at random.
public struct TransformCheck: Sendable {
    /// What is claimed; all without scaling, as FFTW computes them.
    public enum Kind: Hashable, Sendable {
        /// N complex numbers, exp(-2πi nk/N).
        case forward
        /// N complex numbers, exp(+2πi nk/N).
        case backward
        /// N real numbers to the N/2 + 1 complex ones of the forward transform.
        case realForward
        /// y[k] = 2 Σ x[n] cos(π(n + 1/2)k/N): DCT-II, FFTW's REDFT10.
        case cosine
    }

    public let kind: Kind
    public let size: Int
    public let trials: Int
    public let rounding: RoundingModel
    /// Real Gaussian vectors: one number for each complex value of a complex transform, for each number otherwise.
    private let single: [[Float]]
    private let double: [[Double]]
    /// Fᵀr: half of a Hermitian vector of pairs for complex kinds, real otherwise.
    private let images: [[Double]]
    private let problem: String?

    /// The most points of a transform.
    public static let largestSize = 1 << 24

    /// - Parameter size: N, 1 ... `largestSize`; any other leads to `undecided`.
    /// - Parameter trials: brought into 1 ... 8. - Parameter challenge: drawn after all claims of the unit were stored.
    public init(_ kind: Kind, size: Int, trials: Int = 2, rounding: RoundingModel = .probable, challenge: UInt64) {
        self.kind = kind
        self.size = size
        self.trials = min(8, max(1, trials))
        self.rounding = rounding
        guard 1...Self.largestSize ~= size else {
            (single, double, images, problem) = ([], [], [], "a transform has 1 to 2^24 points, not \(size)")
            return
        }
        var source = Challenge(challenge, stream: 3)
        let isComplex = kind == .forward || kind == .backward
        let count = kind == .realForward ? 2 * (size / 2 + 1) : size
        single = isComplex ? (0..<self.trials).map { _ in source.singleGaussians(count) } : []
        double = isComplex ? [] : (0..<self.trials).map { _ in source.gaussians(count) }
        let images =
            isComplex
            ? ProjectionImage.complex(single, size, kind == .forward ? .forward : .backward)
            : ProjectionImage.real(double, size, isCosine: kind == .cosine)
        self.images = images ?? []
        problem = images == nil ? "no memory or no plan for \(size) points" : nil
    }

    /// Numbers (not pairs) of an input.
    public var inputCount: Int { kind == .forward || kind == .backward ? 2 * size : size }
    /// Numbers (not pairs) of an output.
    public var outputCount: Int {
        switch kind {
        case .forward, .backward: 2 * size
        case .realForward: 2 * (size / 2 + 1)
        case .cosine: size
        }
    }

    /// By the customary 5 N log2 N of a complex transform, half of it for a real one.
    public var cost: CheckCost {
        let stages = log2(Double(max(2, size)))
        let points = Double(size)
        let isComplex = kind == .forward || kind == .backward
        return CheckCost(
            job: (isComplex ? 5 : 2.5) * points * stages,
            check: Double(inputCount + outputCount) * (2 * Double(trials) + 2),
            preparation: Double(trials) * (5 * points * stages + 20 * points))
    }

    /// - Parameter input: what the unit names. - Parameter output: the claim. Complex numbers are pairs.
    public func verify<Scalar: CheckedReal>(input: [Scalar], output: [Scalar]) -> Proof {
        input.withUnsafeBufferPointer { x in output.withUnsafeBufferPointer { verify(input: x, output: $0) } }
    }

    /// The same for memory that is not an array's.
    public func verify<Scalar: CheckedReal>(
        input: UnsafeBufferPointer<Scalar>, output: UnsafeBufferPointer<Scalar>
    ) -> Proof {
        if let problem { return .undecided(problem) }
        guard input.count == inputCount else {
            return .undecided("the input has \(input.count) numbers, not \(inputCount)")
        }
        guard output.count == outputCount else {
            return .malformed("the output has \(output.count) numbers, not \(outputCount)")
        }
        let pairs = sums(input, output)
        let energy = pairs[0].input.square
        guard energy.isFinite else { return .undecided("the input is not finite, or too large to bound") }
        guard pairs.allSatisfy({ $0.output.dot.x.isFinite && $0.output.dot.y.isFinite }) else {
            return notFinite(output, energy)
        }
        var worst = (distance: 0.0, share: -1.0, tolerance: 0.0)
        for pair in pairs {
            let off = pair.input.dot - pair.output.dot
            let distance = (off * off).sum().squareRoot()
            let tolerance = tolerance(Scalar.self, energy)
            let share = distance <= tolerance ? (distance == 0 ? 0 : distance / tolerance) : .infinity
            if !(share <= worst.share) { worst = (distance, share, tolerance) }
        }
        guard worst.share <= 1 else {
            return .fails(
                Difference(element: "projection of the output", distance: worst.distance, tolerance: worst.tolerance),
                "a secret combination of the output is not that of the transform of the input")
        }
        return .holds(
            ProofEvidence(
                share: worst.share, tolerance: worst.tolerance, missProbability: GaussianStrength.quotedMiss,
                floor: GaussianStrength.floor(tolerance: worst.tolerance, trials: trials), cost: cost))
    }

    private func sums<S: CheckedReal>(
        _ input: UnsafeBufferPointer<S>, _ output: UnsafeBufferPointer<S>
    ) -> [(input: ProjectionSums, output: ProjectionSums)] {
        guard kind == .forward || kind == .backward else {
            return (0..<trials).map { trial in
                images[trial].withUnsafeBufferPointer { image in
                    double[trial].withUnsafeBufferPointer {
                        (S.project(input, on: image), S.project(output, on: $0))
                    }
                }
            }
        }
        // A piece of the claim stays in cache for the next vector.
        let piece = 2048
        return zip(
            pieces(size / 2 + 1, piece) { trial, range in
                images[trial].withUnsafeBufferPointer { S.projectHermitian(input, on: $0, range) }
            },
            pieces(size, piece) { trial, range in
                single[trial].withUnsafeBufferPointer { S.projectPairs(output, on: $0, range) }
            }
        ).map { ($0, $1) }
    }

    private func pieces(
        _ count: Int, _ piece: Int, _ body: (Int, Range<Int>) -> ProjectionSums
    ) -> [ProjectionSums] {
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: trials)
        var square = 0.0
        for start in stride(from: 0, to: count, by: piece) {
            for trial in 0..<trials {
                let sums = body(trial, start..<min(count, start + piece))
                totals[trial].add(sums.dot)
                if trial == 0 { square += sums.square }
            }
        }
        return totals.map { ProjectionSums(dot: $0.total, square: square) }
    }

    /// The job's rounding, that of s, and those of both sums, against the norm of the exact output.
    private func tolerance<S: CheckedReal>(_: S.Type, _ energy: Double) -> Double {
        // |F x| is sqrt(N) |x|; the cosine transform doubles.
        let norm = (energy * Double(size)).squareRoot() * (kind == .cosine ? 2 : 1)
        let stages = log2(Double(max(2, size)))
        let units: Double
        switch rounding {
        case .probable: units = RoundingModel.own * (2 * stages.squareRoot() + 2)
        case .worstCase:
            let length = (kind == .forward || kind == .backward ? 1.0 : 1.5) * Double(outputCount)
            units = 7 * (stages + 1) * 2 * length.squareRoot()
        }
        let own = rounding.own(Projections.chain) * (rounding == .worstCase ? Double(size).squareRoot() * 2 : 1)
        let subnormal = Double(S.leastNonzeroMagnitude) * Double(size) * (stages + 2)
        return units * (S.unitRoundoff + Double.unitRoundoff) * norm + own * 2 * norm + subnormal
    }

    private func notFinite<S: CheckedReal>(_ output: UnsafeBufferPointer<S>, _ energy: Double) -> Proof {
        // Every element is at most 2 sqrt(N)·|x| by Cauchy's inequality.
        Projections.refusal(output, largest: 2 * (energy * Double(size)).squareRoot())
    }
}

/// The transposed transforms of the random vectors.
enum ProjectionImage {
    /// A complex transform is symmetric; that of a real vector is Hermitian, and half of it is kept.
    static func complex(_ vectors: [[Float]], _ size: Int, _ direction: ComplexPlan.Direction) -> [[Double]]? {
        guard let plan = ComplexPlan(size: size, direction: direction, effort: .estimate) else { return nil }
        var images: [[Double]] = []
        for vector in vectors {
            guard let image = plan.transform(vector.flatMap { [Double($0), 0] }) else { return nil }
            images.append(Array(image[..<(2 * (size / 2 + 1))]))
        }
        return images
    }

    /// Real outputs: s[n] is the real part of a backward transform of the (rotated) vector.
    static func real(_ vectors: [[Double]], _ size: Int, isCosine: Bool) -> [[Double]]? {
        let length = isCosine ? 2 * size : size
        guard let plan = ComplexPlan(size: length, direction: .backward, effort: .estimate) else { return nil }
        var images: [[Double]] = []
        for vector in vectors {
            var pairs = [Double](repeating: 0, count: 2 * length)
            if isCosine {
                // 2 Σ r[k] cos(π(2n + 1)k/2N) = Re Σ 2 r[k] exp(iπk/2N) exp(2πi nk/2N).
                for k in 0..<size {
                    let angle = Double.pi * Double(k) / Double(2 * size)
                    (pairs[2 * k], pairs[2 * k + 1]) = (2 * vector[k] * cos(angle), 2 * vector[k] * sin(angle))
                }
            } else {
                // Σ r[k] cos(θnk) - q[k] sin(θnk) = Re Σ (r[k] + i q[k]) exp(iθnk), the claim being (cos, -sin).
                for k in vector.indices { pairs[k] = vector[k] }
            }
            guard let image = plan.transform(pairs) else { return nil }
            images.append((0..<size).map { image[2 * $0] })
        }
        return images
    }
}
