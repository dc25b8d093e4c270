import Domain

/// What a mathematical check says of a claim. A validator maps it at once: `holds` to proven, `fails` to refuted,
/// `malformed` to malformed and `undecided` to plausible.
public enum Proof: Hashable, Sendable {
    /// Every part of the claim agrees with the inputs within the stated tolerance.
    case holds(ProofEvidence)
    /// The claim is false: the worst place, its distance and what was allowed, and a line for people.
    case fails(Difference, String)
    /// The claim is not of the right shape, or holds NaN or infinity where the true answer has none.
    case malformed(String)
    /// The check does not apply: inputs of the project that are not finite or too large, or no memory. Convicts nobody.
    case undecided(String)

    /// Whether the claim was proven.
    public var isHeld: Bool { if case .holds = self { true } else { false } }
    /// Whether the claim was convicted, of falsehood or of having the wrong form.
    public var isRefused: Bool {
        switch self {
        case .fails, .malformed: true
        case .holds, .undecided: false
        }
    }

    /// Wrong in a way that has no size.
    static func broken(_ element: String, _ text: String) -> Proof {
        .fails(Difference(element: element, distance: .infinity, tolerance: 0), text)
    }
}

/// How strong a passed check is.
public struct ProofEvidence: Hashable, Sendable {
    /// The largest distance found, as a share of its tolerance: 0 ... 1.
    public var share: Double
    /// The largest tolerance used, in units of the projection (of one row, one bin, one residual).
    public var tolerance: Double
    /// Largest probability over the challenge that an error of `floor` or more passed.
    public var missProbability: Double
    /// The smallest error, in units of the claim, that is found except with `missProbability`: for a projection the
    /// 2-norm of the errors of one row (of one element, if only one is wrong); smaller ones may hide.
    public var floor: Double
    public var cost: CheckCost

    public init(share: Double, tolerance: Double, missProbability: Double, floor: Double, cost: CheckCost) {
        self.share = share
        self.tolerance = tolerance
        self.missProbability = missProbability
        self.floor = floor
        self.cost = cost
    }
}

/// Floating-point (or field) operations of a job and of its check, counted by formula.
public struct CheckCost: Hashable, Sendable {
    public var jobFlops: Double
    public var checkFlops: Double
    /// Work that is done once per size and challenge, and shared by all claims of a unit.
    public var preparationFlops: Double

    public init(job: Double, check: Double, preparation: Double = 0) {
        jobFlops = job
        checkFlops = check
        preparationFlops = preparation
    }

    /// Check over job, preparation apart.
    public var ratio: Double { checkFlops / jobFlops }
}

/// The strength of a projection on Gaussian vectors.
///
/// An error vector d that was fixed before the Gaussian vector r was drawn gives d·r ~ N(0, |d|²), whatever d is: also
/// a cancelling pair. With honest noise of at most the tolerance τ on top it passes only if |d·r| <= 2τ, which has a
/// probability below sqrt(8/π) τ/|d| for each of the independent vectors.
public enum GaussianStrength {
    /// What the checks quote as their miss probability.
    public static let quotedMiss = 1e-6

    /// The norm of the smallest error that passes with at most the probability `miss`.
    public static func floor(tolerance: Double, trials: Int, miss: Double = quotedMiss) -> Double {
        1.5957691216057308 * tolerance / rootOf(miss, trials)
    }

    /// Largest probability that an error vector of this norm passes.
    public static func miss(error: Double, tolerance: Double, trials: Int) -> Double {
        guard error > 0 else { return 1 }
        let one = min(1, 1.5957691216057308 * tolerance / error)
        return (0..<trials).reduce(1) { product, _ in product * one }
    }

    private static func rootOf(_ miss: Double, _ trials: Int) -> Double {
        switch trials {
        case 1: miss
        case 2: miss.squareRoot()
        case 4: miss.squareRoot().squareRoot()
        default: power(miss, 1 / Double(trials))
        }
    }
}
