#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Figures beside their targets.
public struct BenchTable: Codable, Hashable, Sendable {
    /// Whether more is better, or less.
    public enum Sense: String, Codable, Sendable { case atLeast, atMost }

    public struct Row: Codable, Hashable, Sendable {
        public var figure: String
        public var unit: String
        public var target: Double
        public var sense: Sense
        /// What each run measured.
        public var runs: [Double]
        /// What else was seen, for people: latencies, memory, why there is no figure.
        public var note: String

        public init(
            _ figure: String, _ unit: String, _ sense: Sense, _ target: Double, runs: [Double], note: String = ""
        ) {
            self.figure = figure
            self.unit = unit
            self.sense = sense
            self.target = target
            self.runs = runs
            self.note = note
        }

        /// The middle one; of an even number, the mean of the two in the middle. Nil: nothing was measured.
        public var median: Double? { BenchTable.median(runs) }

        /// Over 1 is better than the target. Nil: nothing was measured.
        public var ratio: Double? {
            guard let median, median > 0, target > 0 else { return nil }
            return sense == .atLeast ? median / target : target / median
        }
    }

    /// Of the machine and the time, for whoever compares two tables.
    public var conditions: [String: String]
    public var rows: [Row]

    public init(conditions: [String: String], rows: [Row] = []) {
        self.conditions = conditions
        self.rows = rows
    }

    public static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    // MARK: Text

    public var text: String {
        let lines =
            [["figure", "measured", "target", "of target", "spread"]]
            + rows.map { row in
                let sign = row.sense == .atLeast ? ">= " : "<= "
                let spread = row.runs.min().flatMap { least in
                    row.runs.max().map { "\(Self.short(least)) ... \(Self.short($0))" }
                }
                return [
                    row.figure, row.median.map { "\(Self.short($0)) \(row.unit)" } ?? "-",
                    "\(sign)\(Self.short(row.target))", row.ratio.map { Self.short($0) } ?? "-", spread ?? "-",
                ]
            }
        let widths = (0..<5).map { column in lines.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for (number, line) in lines.enumerated() {
            let cells = zip(line, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            text += cells.joined(separator: "  ") + "\n"
            if number > 0, !rows[number - 1].note.isEmpty { text += "    \(rows[number - 1].note)\n" }
        }
        return text + conditions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
    }

    /// Three digits.
    public static func short(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        switch value.magnitude {
        case 100...: return "\(Int(value.rounded()))"
        case 10..<100: return "\((value * 10).rounded() / 10)"
        default: return "\((value * 100).rounded() / 100)"
        }
    }

    // MARK: JSON

    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(self))
    }
}
