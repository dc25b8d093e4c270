/// For each row the others that are most alike, best first; of equal ones the earlier row comes first.
struct NeighbourLists: Hashable, Sendable {
    /// Neighbours kept of each row.
    let limit: Int
    private var similarities: [Double]
    private var others: [Int32]

    init(rows: Int, limit: Int) {
        self.limit = limit
        similarities = [Double](repeating: -.infinity, count: rows * limit)
        others = [Int32](repeating: .max, count: rows * limit)
    }

    mutating func offer(_ row: Int, _ other: Int, _ similarity: Double) {
        let first = row * limit
        var at = first + limit - 1
        guard precedes(similarity, Int32(other), at) else { return }
        while at > first, precedes(similarity, Int32(other), at - 1) {
            similarities[at] = similarities[at - 1]
            others[at] = others[at - 1]
            at -= 1
        }
        similarities[at] = similarity
        others[at] = Int32(other)
    }

    private func precedes(_ similarity: Double, _ other: Int32, _ place: Int) -> Bool {
        similarity > similarities[place] || similarity == similarities[place] && other < others[place]
    }

    /// The neighbours of a row. Fewer than `limit` when fewer were offered.
    subscript(_ row: Int) -> [(row: Int, similarity: Double)] {
        (row * limit..<(row + 1) * limit).filter { others[$0] != .max }.map { (Int(others[$0]), similarities[$0]) }
    }
}

/// Two different rows.
struct RowPair: Hashable, Sendable {
    var row: Int
    /// After `row`.
    var other: Int
    var similarity: Double

    /// More alike, or equally alike and earlier.
    static func precedes(_ a: RowPair, _ b: RowPair) -> Bool {
        a.similarity != b.similarity ? a.similarity > b.similarity : (a.row, a.other) < (b.row, b.other)
    }
}

/// The pairs that are most alike of all, best first.
struct StrongestPairs: Hashable, Sendable {
    let limit: Int
    private(set) var items: [RowPair] = []

    init(limit: Int) {
        self.limit = limit
    }

    mutating func offer(_ pair: RowPair) {
        if items.count == limit {
            guard let last = items.last, RowPair.precedes(pair, last) else { return }
            items.removeLast()
        }
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if RowPair.precedes(items[middle], pair) { low = middle + 1 } else { high = middle }
        }
        items.insert(pair, at: low)
    }
}
