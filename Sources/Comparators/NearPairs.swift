import Domain

/// Which rows of two tables are near each other: the edges of a bipartite graph.
struct NearPairs {
    /// For each row of `a` the rows of `b` that are near it.
    private(set) var ofA: [[Int32]]

    /// - Parameters:
    ///   - tolerances: one for each column.
    ///   - pairsMax: rows that are near each other in one column are looked at one by one; beyond this many pairs that
    ///     would take too long.
    /// - Returns: nil beyond that. Costs O(n log n + pairs).
    init?(_ rows: ColumnPairs, _ tolerances: [Closeness], pairsMax: Int) {
        let sweeps = rows.a.indices.compactMap { column in
            Sweep(rows.a[column], rows.b[column], tolerances[column], pairsMax: pairsMax).map { (column, $0) }
        }
        guard let (best, sweep) = sweeps.min(by: { $0.1.pairs < $1.1.pairs }) else { return nil }
        let others = rows.a.indices.filter { $0 != best }
        ofA = sweep.ranges.enumerated().map { row, range in
            range.compactMap { place -> Int32? in
                let other = sweep.order[place]
                let isNear = others.allSatisfy { tolerances[$0].holds(rows.a[$0][row], rows.b[$0][other]) }
                return isNear ? Int32(other) : nil
            }
        }
    }

    /// The same from the other side.
    func ofB(count: Int) -> [[Int32]] {
        var turned = [[Int32]](repeating: [], count: count)
        for (row, others) in ofA.enumerated() {
            for other in others { turned[Int(other)].append(Int32(row)) }
        }
        return turned
    }
}

/// The rows of `b` in order of one column, and for each row of `a` the range of them that is near it in that column.
///
/// What is near a number is an interval around it, whose ends are found by halving.
private struct Sweep {
    let order: [Int]
    let ranges: [Range<Int>]
    let pairs: Int

    init?(_ a: NumberColumn, _ b: NumberColumn, _ tolerance: Closeness, pairsMax: Int) {
        let order = (0..<b.count).sorted { b[$0] < b[$1] }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(a.count)
        var pairs = 0
        for row in 0..<a.count {
            let number = a[row]
            let low = Self.end(of: order) { b[$0] < number && !tolerance.holds(number, b[$0]) }
            let high = Self.end(of: order) { !(number < b[$0]) || tolerance.holds(number, b[$0]) }
            ranges.append(low..<max(low, high))
            pairs += max(0, high - low)
            if pairs > pairsMax { return nil }
        }
        self.order = order
        self.ranges = ranges
        self.pairs = pairs
    }

    /// How many rows at the start fulfil a condition that holds up to some place and not after it.
    private static func end(of order: [Int], _ holds: (Int) -> Bool) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(order[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
