import Domain

/// Rows in any order, matched one to one.
///
/// With one column, sorting both sides and pairing the i-th with the i-th is a largest matching: what is near x is an
/// interval whose ends do not fall as x grows, so two crossed pairs can always be uncrossed (up to the rounding of a
/// tolerance). With more columns a matching is searched.
package struct SetComparison {
    let rule: SetRule
    let limits: ComparisonLimits

    package init(_ rule: SetRule, _ limits: ComparisonLimits) {
        self.rule = rule
        self.limits = limits
    }

    package func difference(_ columns: ColumnPairs) -> Difference? {
        if let malformed = columns.malformed { return malformed }
        if columns.areEqual { return nil }
        let rows = rule.isMultiset ? columns : columns.withoutDuplicates
        guard rows.rowsA == rows.rowsB else {
            return Difference(
                element: "\(rows.element) (count)", distance: Double(abs(rows.rowsA - rows.rowsB)), tolerance: 0)
        }
        let tolerances = rule.keys.count == rows.a.count ? rule.keys : rows.a.map { _ in rule.keys[0] }
        return rows.a.count == 1
            ? sorted(rows.names[0], rows.a[0], rows.b[0], tolerances[0]) : matched(rows, tolerances)
    }

    private func sorted(_ name: String, _ a: NumberColumn, _ b: NumberColumn, _ tolerance: Closeness) -> Difference? {
        for (x, y) in zip(ColumnPairs.sorted([a]), ColumnPairs.sorted([b])) where !tolerance.holds(a[x], b[y]) {
            return Difference(
                element: "\(name)[\(x)]", distance: Number.distance(a[x], b[y]),
                tolerance: tolerance.allowed(a[x].value, b[y].value))
        }
        return nil
    }

    private func matched(_ rows: ColumnPairs, _ tolerances: [Closeness]) -> Difference? {
        let pairsMax = max(limits.pairsMax, limits.pairsPerRowMax * rows.rowsA)
        guard rows.rowsA <= limits.rowsMax, let near = NearPairs(rows, tolerances, pairsMax: pairsMax) else {
            return .of("\(rows.element) (too many rows near each other)")
        }
        let unmatched = Matching(edges: near.ofA, right: rows.rowsB).unmatched
        // The distance of a row without partner is how many there are: there may be no single nearest one.
        return unmatched.first.map {
            Difference(element: "\(rows.element)[\($0)]", distance: Double(unmatched.count), tolerance: 0)
        }
    }
}
