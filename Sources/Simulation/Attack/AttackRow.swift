import FoundationEssentials

/// One line of the table: a strategy, over all seeds.
public struct AttackRow: Codable, Hashable, Sendable {
    public var kind: String
    public var strategy: String
    /// The attackers' results, and those of them that were accepted although forged.
    public var results: Int
    public var accepted: Int
    /// accepted / results, with a 99 % confidence interval.
    public var share: Double
    public var low: Double
    public var high: Double
    /// What is promised, and by what.
    public var bound: Double
    public var boundName: String
    /// BOINC's rule for the same population and as many results.
    public var boinc: Double

    /// Whether chance explains the measured share no more: its interval lies above the bound.
    public var isBroken: Bool { low > bound }

    /// Two-sided 99 % of a normal distribution.
    static let z = 2.575_829

    /// The share is a ratio of two sums over seeds, which are independent of each other; results within a seed are not.
    init(
        kind: AttackKind, strategy: String, tallies: [AttackTally], boinc: [AttackTally], bound: Double,
        boundName: String
    ) {
        self.kind = kind.rawValue
        self.strategy = strategy
        results = tallies.reduce(0) { $0 + $1.results }
        accepted = tallies.reduce(0) { $0 + $1.accepted }
        let all = Double(max(results, 1))
        let share = Double(accepted) / all
        let squares = tallies.reduce(0.0) { sum, tally in
            let rest = Double(tally.accepted) - share * Double(tally.results)
            return sum + rest * rest
        }
        let count = Double(tallies.count)
        let error = count > 1 ? (squares * count / (count - 1)).squareRoot() / all : 0
        self.share = share
        low = max(0, share - Self.z * error)
        // Nothing seen in n results: with 99 % confidence less than ln(200) / n.
        high = accepted == 0 ? min(1, 5.3 / all) : min(1, share + Self.z * error)
        self.bound = bound
        self.boundName = boundName
        self.boinc = Double(boinc.reduce(0) { $0 + $1.accepted }) / Double(max(boinc.reduce(0) { $0 + $1.results }, 1))
    }
}

/// All lines of a kind.
public struct AttackReport: Codable, Hashable, Sendable {
    public var rows: [AttackRow]
    public var seeds: Int
    public var checkRate: Double
    public var window: Int
    /// How well a host can tell a check from an ordinary task; only of `farm`.
    public var distinguisher: DistinguisherReport?

    public var isBroken: Bool { rows.contains(where: \.isBroken) }

    /// Keys in order of the alphabet, no line break.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(self) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A table for people. Shares in percent.
    public var text: String {
        var lines = ["q \(checkRate), W \(window), \(seeds) seeds; shares of the attackers' results, in percent"]
        lines.append("accepted  99 % interval     bound   held  BOINC  strategy")
        for row in rows {
            let interval = "\(Self.percent(row.low)) ..\(Self.percent(row.high))"
            lines.append(
                " \(Self.percent(row.share))  \(interval)  \(Self.percent(row.bound))  "
                    + "\(row.isBroken ? "NO  " : "yes ")\(Self.percent(row.boinc))  \(row.kind): \(row.strategy)")
        }
        for name in Set(rows.map(\.boundName)).sorted() { lines.append("bound: \(name)") }
        if let worst = rows.max(by: { $0.share < $1.share }) {
            lines.append("worst: \(worst.strategy), \(Self.percent(worst.share)) % of \(worst.results) results")
        }
        if let distinguisher { lines.append(distinguisher.text) }
        return lines.joined(separator: "\n")
    }

    static func percent(_ share: Double) -> String {
        let hundredths = Int((share * 10_000).rounded())
        let digits = hundredths % 100
        let text = "\(hundredths / 100).\(digits < 10 ? "0" : "")\(digits)"
        return String(repeating: " ", count: max(0, 6 - text.count)) + text
    }
}
