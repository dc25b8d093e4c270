import Domain

/// What a cheat may do who wants as many forged results accepted as he can get.
enum FarmStrategy: Hashable {
    /// Forges a share of his results, once he is proven.
    case constant(Double)
    /// Once he is proven and nothing forged of his stands, forges so many in a row, then waits until they are final.
    case burst(Int)
    /// The same, but he first lets a window of honest results stand: after a failure they are computed again and pass,
    /// which would prove him anew at once if it counted.
    case reservedBurst(Int)
    /// A burst, and after each failure he comes back under a new name.
    case renewedBurst(Int)
    /// Honest ten times, then forges until he is caught: what earns most from BOINC's rule.
    case tenThenForge
    /// Honest until proven, then forges always.
    case provenThenForge
    /// Honest but for the last results of the batch.
    case atTheEnd(Int)
    /// Always forges.
    case lazy

    /// Those of the table.
    static func all(_ rule: AdaptiveRule) -> [FarmStrategy] {
        let each = max(1, Int((1 / rule.checkRate).rounded()))
        var lengths: [Int] = []
        for length in [1, 2, 4, each, 2 * each] where !lengths.contains(length) { lengths.append(length) }
        return [.constant(1 / (rule.checkRate * Double(rule.window + 1)))] + lengths.map { .burst($0) }
            + [
                .reservedBurst(4), .reservedBurst(each), .renewedBurst(each), .tenThenForge, .provenThenForge,
                .atTheEnd(each), .atTheEnd(rule.window / 2),
            ]
    }

    var name: String {
        switch self {
        case .constant(let share): "forges a constant share of \(Double(Int(share * 1000)) / 1000)"
        case .burst(let length): "bursts of \(length)"
        case .reservedBurst(let length): "bursts of \(length), each behind a window of honest results"
        case .renewedBurst(let length): "bursts of \(length), a new name after each failure"
        case .tenThenForge: "honest ten times, then forges until caught"
        case .provenThenForge: "honest until proven, then always forges"
        case .atTheEnd(let length): "forges only the last \(length) of the batch"
        case .lazy: "always forges"
        }
    }

    var renews: Bool { if case .renewedBurst = self { true } else { false } }
}

/// What the cheat knows when he must decide: all of his own record, at once.
struct FarmView {
    var isProven: Bool
    /// His forged results that are not final.
    var standing: Int
    /// Results that he will still report, this one included.
    var left: Int
    /// His honest results that are not final.
    var honestStanding = 0
}

/// A strategy in the course of its play.
struct FarmMind {
    private let strategy: FarmStrategy
    private let rule: AdaptiveRule
    /// Forged results of the burst that has been begun.
    private var burst = 0
    private var honest = 0
    private var hasReserve = false

    init(_ strategy: FarmStrategy, rule: AdaptiveRule) {
        self.strategy = strategy
        self.rule = rule
    }

    /// A forged result was found out.
    mutating func failed() {
        burst = 0
        honest = 0
        hasReserve = false
    }

    mutating func forges(_ view: FarmView, _ draws: inout Draws) -> Bool {
        switch strategy {
        case .constant(let share): return view.isProven && draws.unit() < share
        case .burst(let length), .renewedBurst(let length): return inBurst(of: length, view)
        case .reservedBurst(let length):
            // About a share 1 - q of a window stands at any time.
            let enough = Int(Double(rule.window) * (1 - rule.checkRate)) - 3
            if view.isProven, view.honestStanding >= enough { hasReserve = true }
            guard hasReserve else { return false }
            return inBurst(of: length, view)
        case .tenThenForge:
            honest += 1
            return honest > 10
        case .provenThenForge: return view.isProven
        case .atTheEnd(let length): return view.left <= length
        case .lazy: return true
        }
    }

    private mutating func inBurst(of length: Int, _ view: FarmView) -> Bool {
        if burst >= length {
            guard view.standing == 0 else { return false }
            burst = 0
        }
        guard view.isProven else { return false }
        burst += 1
        return true
    }
}
