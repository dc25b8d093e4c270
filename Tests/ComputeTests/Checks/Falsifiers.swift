import Bytes
import Compute
import Testing

/// The ways in which a claim is made false, each drawn at random.
enum Falsifier: CaseIterable {
    /// One random bit of one number, low ones included: those below the stated floor need not be found.
    case bit
    case element
    case swap
    case sign
    case scale
    /// The right answer to another question.
    case stale
    case notANumber
    case infinity
    case permutation
    case truncation
    /// Only the last few numbers.
    case tail
    /// +d and -d in one row: sums over the row stay as they are.
    case pair
}

/// A number that claims are made of.
protocol Claimable: Numeric, Comparable, Sendable {
    static func flip(_ value: Self, _ bit: Int) -> Self
    static var bits: Int { get }
    /// NaN and infinity, where there are any.
    static var strange: (Self, Self)? { get }
    /// A deviation of about `factor` times a typical magnitude, never zero.
    static func deviation(_ typical: Self, _ factor: Double) -> Self
    var size: Self { get }
}

extension Double: Claimable {
    static func flip(_ value: Double, _ bit: Int) -> Double { Double(bitPattern: value.bitPattern ^ 1 << UInt64(bit)) }
    static var bits: Int { 64 }
    static var strange: (Double, Double)? { (.nan, -.infinity) }
    static func deviation(_ typical: Double, _ factor: Double) -> Double { typical * factor + .leastNormalMagnitude }
    var size: Double { magnitude }
}

extension Float: Claimable {
    static func flip(_ value: Float, _ bit: Int) -> Float { Float(bitPattern: value.bitPattern ^ 1 << UInt32(bit)) }
    static var bits: Int { 32 }
    static var strange: (Float, Float)? { (.nan, .infinity) }
    static func deviation(_ typical: Float, _ factor: Double) -> Float {
        typical * Float(factor) + .leastNormalMagnitude
    }
    var size: Float { magnitude }
}

extension Int64: Claimable {
    static func flip(_ value: Int64, _ bit: Int) -> Int64 { value ^ Int64(bitPattern: 1 << UInt64(bit)) }
    static var bits: Int { 64 }
    static var strange: (Int64, Int64)? { nil }
    static func deviation(_ typical: Int64, _ factor: Double) -> Int64 {
        1 + Int64(Swift.max(-1e15, Swift.min(1e15, Double(typical) * factor)))
    }
    var size: Int64 { self < 0 ? 0 &- self : self }
}

/// One honest claim, with its verifier.
struct Subject<Number: Claimable> {
    var claim: [Number]
    var stale: [Number]
    /// Numbers of one row; a cancelling pair stays within one.
    var row: Int
    /// Whether a false claim of the right count is wrong by more than the stated floor.
    var mustFind: ([Number]) -> Bool
    /// Whether the verifier refuses a claim under a challenge.
    var refuses: ([Number], UInt64) -> Bool
}

struct Hunt: CustomStringConvertible {
    var tried = 0
    /// Wrong by more than the floor.
    var above = 0
    var missed = 0
    var description: String { "\(tried) tried, \(above) above the floor, \(missed) missed" }
}

extension Subject {
    /// A false claim of a kind; nil where numbers have no such kind.
    func falsified(_ kind: Falsifier, _ source: inout SeededGenerator) -> [Number]? {
        var out = claim
        let at = source.nextIndex(below: claim.count)
        let typical = claim.reduce(0) { max($0, $1.size) }
        var factor = Double(1 << source.nextIndex(below: 16)) / 4096
        if source.next() & 1 == 0 { factor = -factor }
        let line = at / row * row
        switch kind {
        case .bit: out[at] = Number.flip(claim[at], source.nextIndex(below: Number.bits))
        case .element: out[at] += Number.deviation(typical, factor)
        case .swap: out.swapAt(at, source.nextIndex(below: claim.count))
        case .sign: out[at] = 0 - claim[at]
        case .scale:
            for place in out.indices { out[place] = claim[place] + Number.deviation(claim[place], factor) }
        case .stale: out = stale
        case .notANumber: if let strange = Number.strange { out[at] = strange.0 } else { return nil }
        case .infinity: if let strange = Number.strange { out[at] = strange.1 } else { return nil }
        case .permutation:
            for place in out.indices.dropFirst() { out.swapAt(place, source.nextIndex(below: place + 1)) }
        case .truncation:
            out = source.next() & 1 == 0 ? Array(claim.dropLast(1 + at % row)) : claim + claim.prefix(1 + at % row)
        case .tail:
            for place in max(0, claim.count - 1 - at % 3)..<claim.count {
                out[place] += Number.deviation(typical, factor)
            }
        case .pair:
            guard row > 1 else { return nil }
            let (one, two) = (source.nextIndex(below: row), source.nextIndex(below: row - 1))
            let delta = Number.deviation(typical, factor)
            out[line + one] += delta
            out[line + (two >= one ? two + 1 : two)] -= delta
        }
        return out
    }
}

/// Runs every falsifier against honest claims: `trials` of each kind in all.
func hunt<Number: Claimable>(
    _ seed: UInt64, subjects: Int = 50, trials: Int = 10_000, kinds: [Falsifier] = Falsifier.allCases,
    _ make: (inout SeededGenerator, Int) -> Subject<Number>
) -> [Falsifier: Hunt] {
    var source = SeededGenerator(seed: seed)
    var hunts: [Falsifier: Hunt] = [:]
    for index in 0..<subjects {
        let subject = make(&source, index)
        for kind in kinds {
            for _ in 0..<(trials / subjects) {
                guard let claim = subject.falsified(kind, &source) else { break }
                hunts[kind, default: Hunt()].tried += 1
                let isBroken = claim.count != subject.claim.count || kind == .notANumber || kind == .infinity
                guard isBroken || subject.mustFind(claim) else { continue }
                hunts[kind, default: Hunt()].above += 1
                if !subject.refuses(claim, source.next()) { hunts[kind, default: Hunt()].missed += 1 }
            }
        }
    }
    return hunts
}

/// Nothing above the floor may be missed, and most false claims must lie above it, or the test shows nothing.
func expectNoneMissed(_ hunts: [Falsifier: Hunt], trials: Int = 10_000, _ name: String) {
    #expect(hunts.count >= 9, "\(name): \(hunts.count) kinds")
    for (kind, hunt) in hunts {
        #expect(hunt.tried >= trials, "\(name), \(kind): \(hunt)")
        #expect(hunt.missed == 0, "\(name), \(kind): \(hunt)")
        #expect(hunt.above * 10 >= hunt.tried, "\(name), \(kind): \(hunt)")
    }
}

extension SeededGenerator {
    /// Uniform in -1 ..< 1, as most test matrices are.
    mutating func signed() -> Double { 2 * nextUnit() - 1 }

    /// 10^-12 ... 10^12 in powers of ten.
    mutating func scale() -> Double {
        let exponent = nextIndex(below: 25) - 12
        return (0..<exponent.magnitude).reduce(1.0) { scale, _ in exponent < 0 ? scale / 10 : scale * 10 }
    }

    mutating func vector(_ count: Int, _ scale: Double = 1) -> [Double] { (0..<count).map { _ in signed() * scale } }
}

/// Largest 2-norm of the rows of a - b.
func rowError<Number: BinaryFloatingPoint>(_ a: [Number], _ b: [Number], row: Int) -> Double {
    stride(from: 0, to: min(a.count, b.count), by: row).reduce(0) { largest, start in
        let square = (start..<min(a.count, start + row)).reduce(0.0) { sum, at in
            let off = Double(a[at]) - Double(b[at])
            return sum + off * off
        }
        return max(largest, square.squareRoot())
    }
}

/// What a passed check of an honest claim states; a refusal is a failure of the test.
func evidence(_ proof: Proof, _ place: SourceLocation = #_sourceLocation) -> ProofEvidence {
    if case .holds(let evidence) = proof { return evidence }
    Issue.record("an honest claim was refused: \(proof)", sourceLocation: place)
    return ProofEvidence(
        share: .infinity, tolerance: 0, missProbability: 1, floor: 0, cost: CheckCost(job: 1, check: 1))
}
