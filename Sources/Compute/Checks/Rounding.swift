/// How far honest rounding may carry a sum of `count` terms from its exact value.
///
/// Source of the square root: Higham, Mary, "A New Approach to Probabilistic Rounding Error Analysis" (SIAM J. Sci.
/// Comput. 41, 2019): with independent mean-zero roundings the error of a sum stays below λ sqrt(n) u Σ|terms| except
/// with probability 2 exp(-λ²/2).
public enum RoundingModel: Hashable, Sendable {
    /// min(n, 16 sqrt(n)) units; errors of different elements add up like independent ones. With the Gaussian
    /// challenge this holds also for constant matrices, whose roundings are all alike, if additions run in blocks of
    /// at most a thousand terms, as in BLAS libraries; plain loops over more are for `worstCase`.
    case probable
    /// n units and no cancellation at all: Higham, "Accuracy and Stability", section 3.1. Never refuses an honest
    /// result of the conventional algorithm; larger errors hide.
    case worstCase

    /// Safety factor of sums that the check adds up itself, where the challenge randomises signs.
    static let own = 8.0

    /// Of the job, where only the 2-norm of the errors of a row counts: infinite when this model does not allow it.
    func spread(_ terms: Int) -> Double {
        switch self {
        case .probable: 16 * Double(terms).squareRoot()
        case .worstCase: .infinity
        }
    }

    /// Of the check's own sums in double precision. `chain`: the longest run of additions into one accumulator.
    func own(_ chain: Int) -> Double {
        let units =
            switch self {
            case .probable: min(Double(chain) + 1, RoundingModel.own * (Double(chain) + 1).squareRoot())
            case .worstCase: Double(chain) + 1
            }
        return units * Double.unitRoundoff
    }
}
