import Domain
import Plugins

/// Numbers at the same place.
struct NumericComparison {
    let rule: NumericRule

    init(_ rule: NumericRule) { self.rule = rule }

    func difference(_ pair: SectionPair) -> Difference? {
        guard let a = NumberColumn(pair.a), let b = NumberColumn(pair.b) else {
            return .of("\(pair.element) (no numbers)")
        }
        guard a.count == b.count else {
            return Difference(
                element: "\(pair.element) (count)", distance: Double(abs(a.count - b.count)), tolerance: 0)
        }
        switch rule.measure {
        case .elements(let closeness):
            return first(a, b, pair.element) { x, y in
                closeness.holds(x, y)
                    ? nil : (Number.distance(x, y), closeness.allowed(x.value, y.value))
            }
        case .ulps(let allowed):
            return first(a, b, pair.element) { x, y in
                guard let steps = ULP.steps(x, y, single: a.kind == .float32) else {
                    return (.infinity, Double(allowed))
                }
                return steps <= allowed ? nil : (Double(steps), Double(allowed))
            }
        case .norm(let norm, let closeness): return normDifference(a, b, pair.element, norm, closeness)
        }
    }

    /// What the NaN rule and infinities say of a pair; nil: both are finite, or equal.
    private func special(_ x: Number, _ y: Number) -> Bool? {
        if x.isNaN || y.isNaN { return rule.nan == .equalsNaN && x.isNaN && y.isNaN }
        return x == y ? true : x.value.isFinite && y.value.isFinite ? nil : false
    }

    private func first(
        _ a: NumberColumn, _ b: NumberColumn, _ element: String,
        _ apart: (Number, Number) -> (distance: Double, tolerance: Double)?
    ) -> Difference? {
        for at in 0..<a.count {
            let (x, y) = (a[at], b[at])
            switch special(x, y) {
            case true?: continue
            case false?: return .of("\(element)[\(at)]")
            case nil:
                guard let (distance, tolerance) = apart(x, y) else { continue }
                return Difference(element: "\(element)[\(at)]", distance: distance, tolerance: tolerance)
            }
        }
        return nil
    }

    /// Names the element that contributes most. Equal infinities and, where the rule says so, NaN count as 0.
    private func normDifference(
        _ a: NumberColumn, _ b: NumberColumn, _ element: String, _ norm: NumericRule.Norm, _ closeness: Closeness
    ) -> Difference? {
        var (ofA, ofB, apart) = (RunningNorm(norm), RunningNorm(norm), RunningNorm(norm))
        var (worst, most) = (0, 0.0)
        for at in 0..<a.count {
            let (x, y) = (a[at], b[at])
            switch special(x, y) {
            case false?: return .of("\(element)[\(at)]")
            case true? where !x.value.isFinite: continue
            default: break
            }
            ofA.add(x.value)
            ofB.add(y.value)
            let distance = Number.distance(x, y)
            apart.add(distance)
            if distance > most { (worst, most) = (at, distance) }
        }
        let distance = apart.value
        let allowed = closeness.allowed(ofA.value, ofB.value)
        // Numbers near the largest one have norms beyond it; nothing can be said of those but that they differ.
        if most == 0 || (distance.isFinite && distance <= allowed) { return nil }
        return Difference(element: "\(element)[\(worst)]", distance: distance, tolerance: allowed)
    }
}

/// A norm that does not overflow while it is summed: largest magnitude and the squares relative to it.
struct RunningNorm {
    let norm: NumericRule.Norm
    private var largest = 0.0
    private var squares = 0.0

    init(_ norm: NumericRule.Norm) { self.norm = norm }

    mutating func add(_ number: Double) {
        let magnitude = abs(number)
        if magnitude == 0 || largest == .infinity { return }
        if magnitude > largest {
            let ratio = largest / magnitude
            squares = squares * ratio * ratio + 1
            largest = magnitude
        } else {
            let ratio = magnitude / largest
            squares += ratio * ratio
        }
    }

    var value: Double { norm == .max ? largest : largest * squares.squareRoot() }
}

/// Distances in units of the last place: how many representable numbers lie between two.
package enum ULP {
    /// - Parameter single: count floats, not doubles; both numbers came from floats.
    /// - Returns: nil when either is NaN, or one of two different ones is infinite.
    package static func steps(_ a: Number, _ b: Number, single: Bool) -> UInt64? {
        if a == b { return 0 }
        if case .integer(let a) = a, case .integer(let b) = b { return Number.gap(a, b) }
        guard a.value.isFinite, b.value.isFinite else { return nil }
        return single
            ? Number.gap(place(Float(a.value)), place(Float(b.value))) : Number.gap(place(a.value), place(b.value))
    }

    /// The number's place in the order of all numbers; both zeros at 0.
    private static func place(_ value: Double) -> Int64 {
        let magnitude = Int64(value.magnitude.bitPattern)
        return value.sign == .minus ? -magnitude : magnitude
    }

    private static func place(_ value: Float) -> Int64 {
        let magnitude = Int64(value.magnitude.bitPattern)
        return value.sign == .minus ? -magnitude : magnitude
    }
}
