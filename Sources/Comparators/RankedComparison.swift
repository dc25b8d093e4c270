import Domain

/// Two lists of the best, of which each may lack what is near its end.
///
/// A row must be matched unless its score is within tolerance of the other list's end. There is a matching that serves
/// all such rows of both lists as soon as there is one for each list alone (Mendelsohn and Dulmage, Canad. J. Math. 10
/// (1958) 517), so that two searches decide.
package struct RankedComparison {
    let rule: RankedRule
    let limits: ComparisonLimits

    package init(_ rule: RankedRule, _ limits: ComparisonLimits) {
        self.rule = rule
        self.limits = limits
    }

    package func difference(_ rows: ColumnPairs) -> Difference? {
        if let malformed = rows.malformed { return malformed }
        if rows.areEqual { return nil }
        let (a, b) = (rows.a[rows.a.count - 1], rows.b[rows.b.count - 1])
        if let capacity = rule.capacity, max(rows.rowsA, rows.rowsB) > capacity {
            return Difference(
                element: "\(rows.element) (count)", distance: Double(max(rows.rowsA, rows.rowsB)),
                tolerance: Double(capacity))
        }
        let most = max(rows.rowsA, rows.rowsB)
        let pairsMax = max(limits.pairsMax, limits.pairsPerRowMax * most)
        guard most <= limits.rowsMax, let near = NearPairs(rows, rule.keys + [rule.score], pairsMax: pairsMax) else {
            return .of("\(rows.element) (too many rows near each other)")
        }
        let missing = [
            self.missing(a, from: b, near.ofA, other: rows.rowsB, rows.element),
            self.missing(b, from: a, near.ofB(count: rows.rowsB), other: rows.rowsA, rows.element),
        ]
        // The one that is missing by more; of two equal ones the first of the order that the pair is in.
        return missing.compactMap { $0 }.max { $0.distance - $0.tolerance < $1.distance - $1.tolerance }
    }

    /// The best row of one list that has to be in the other and is not, or not with a close score.
    private func missing(
        _ scores: NumberColumn, from others: NumberColumn, _ edges: [[Int32]], other: Int, _ element: String
    ) -> Difference? {
        let end = end(of: others)
        let needed = (0..<scores.count).filter { row in !mayBeMissing(scores[row], end) }
        let unmatched = Matching(edges: needed.map { edges[$0] }, right: other).unmatched.map { needed[$0] }
        guard let best = unmatched.min(by: { isBetter(scores[$0], scores[$1]) }) else { return nil }
        guard let end else { return .of("\(element)[\(best)]") }
        return Difference(
            element: "\(element)[\(best)]", distance: Number.distance(scores[best], end),
            tolerance: rule.score.allowed(scores[best].value, end.value))
    }

    private func isBetter(_ a: Number, _ b: Number) -> Bool { rule.largestFirst ? b < a : a < b }

    /// The score beyond which a list cannot be expected to go; nil: it holds all there is.
    private func end(of scores: NumberColumn) -> Number? {
        let isFull = rule.capacity.map { scores.count >= $0 } ?? true
        guard isFull, scores.count > 0 else { return rule.floor.map(Number.real) }
        var worst = scores[0]
        for row in 1..<scores.count where isBetter(worst, scores[row]) { worst = scores[row] }
        return worst
    }

    private func mayBeMissing(_ score: Number, _ end: Number?) -> Bool {
        guard let end else { return false }
        return !isBetter(score, end) || rule.score.holds(score, end)
    }
}
