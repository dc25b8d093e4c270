/// How often the nearest other row has the same label: leave-one-out classification by one nearest neighbour.
struct LabelScore: Hashable, Sendable {
    struct Group: Hashable, Sendable {
        var label: Double
        var rows: Int
        var right: Int
    }

    /// By rising label.
    let groups: [Group]
    let rows: Int
    let right: Int

    /// - Parameter nearest: of each row, the row that is most alike.
    init(labels: [Double], nearest: [Int]) {
        var byLabel: [Double: Group] = [:]
        for (row, label) in labels.enumerated() {
            var group = byLabel[label] ?? Group(label: label, rows: 0, right: 0)
            group.rows += 1
            if labels[nearest[row]] == label { group.right += 1 }
            byLabel[label] = group
        }
        groups = byLabel.values.sorted { $0.label < $1.label }
        rows = labels.count
        right = groups.reduce(0) { $0 + $1.right }
    }

    var share: Double { Double(right) / Double(rows) }

    /// What a neighbour drawn by chance from the other rows would give.
    var chance: Double {
        let pairs = groups.reduce(0.0) { $0 + Double($1.rows) * Double($1.rows - 1) }
        return pairs / (Double(rows) * Double(rows - 1))
    }
}
