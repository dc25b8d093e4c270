import Compute
import Domain
import Glibc
import Plugins

/// Recomputes what a result claims, and compares two results.
///
/// Each candidate is summed again over all pairs; the sum of powers of one ratio, drawn by the challenge, is found by
/// a closed form; the sums of squares are held against their expectation. That nothing was left out only a second
/// result can show.
struct GammaPulsarValidator: ResultValidator {
    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict {
        do throws(AppError) {
            let search = try SearchUnit(unit)
            let claim = try SearchResult(result, unit: search)
            let pairs = try PhotonPairs(
                try Photons(context.inputs), lagWindow: search.lagWindow, referenceTime: search.referenceTime)
            let checker = ClaimChecker(
                unit: search, claim: claim, pairs: pairs, geometry: try search.geometry(),
                tolerance: Tolerance(context, noise: pairs.noise))
            if let broken = checker.brokenRule() { return .malformed(broken) }
            if let (difference, why) = checker.falseClaim(challenge: challenge) { return .refuted(difference, why) }
            return .plausible
        } catch {
            return .malformed(error.description)
        }
    }

    func malformation(of result: Payload, unit: Payload, context: AppContext) -> String? {
        do throws(AppError) {
            _ = try SearchResult(result, unit: try SearchUnit(unit))
            return nil
        } catch {
            return error.description
        }
    }

    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement {
        do throws(AppError) {
            let search = try SearchUnit(unit)
            let first = try SearchResult(a, unit: search)
            let second = try SearchResult(b, unit: search)
            let pairs = try PhotonPairs(
                try Photons(context.inputs), lagWindow: search.lagWindow, referenceTime: search.referenceTime)
            let geometry = try search.geometry()
            // The noise comes from the photons, never from a claim: what is claimed must not set its own tolerance.
            let tolerance = Tolerance(context, noise: pairs.noise)
            for claim in a == b ? [] : [first, second] {
                let checker = ClaimChecker(
                    unit: search, claim: claim, pairs: pairs, geometry: geometry, tolerance: tolerance)
                if let broken = checker.brokenRule() {
                    return .different(Difference(element: broken, distance: .infinity, tolerance: 0))
                }
            }
            let comparison = ResultComparison(unit: search, spacing: geometry.spacing, tolerance: tolerance)
            return comparison.difference(first, second).map(Agreement.different) ?? .same
        } catch {
            // Both were decoded before; a result that no longer can be is the same only as itself.
            return a == b
                ? .same : .different(Difference(element: error.description, distance: .infinity, tolerance: 0))
        }
    }
}

/// How far two powers may lie apart.
struct Tolerance: Hashable, Sendable {
    var relative: Double
    /// In units of power.
    var absolute: Double
    /// sqrt(ΣW²/2), in units of power.
    var noise: Double

    init(_ context: AppContext, noise: Double) {
        relative = context.relativeTolerance ?? GammaPulsarApp.relativeTolerance
        self.noise = noise
        absolute = (context.absoluteTolerance ?? GammaPulsarApp.absoluteTolerance) * noise
    }

    func around(_ a: Double, _ b: Double) -> Double { relative * max(abs(a), abs(b)) + absolute }

    /// - Returns: nil when the two agree.
    func difference(_ element: String, _ a: Double, _ b: Double) -> Difference? {
        let allowed = around(a, b)
        let distance = abs(a - b)
        return distance <= allowed ? nil : Difference(element: element, distance: distance, tolerance: allowed)
    }
}
