import Domain
import Plugins

/// The rows of two tables with the same columns.
package struct ColumnPairs: Hashable, Sendable {
    /// The table's name in messages: that of its first column.
    let element: String
    package let names: [String]
    package let a: [NumberColumn]
    package let b: [NumberColumn]

    /// - Returns: nil without columns, or when one holds no numbers.
    init?(_ pairs: [SectionPair]) {
        let a = pairs.compactMap { NumberColumn($0.a) }
        let b = pairs.compactMap { NumberColumn($0.b) }
        guard let first = pairs.first, a.count == pairs.count, b.count == pairs.count else { return nil }
        self.init(names: pairs.map(\.element), element: first.element, a: a, b: b)
    }

    /// - Parameters: as many names as columns of each, at least one.
    package init(names: [String], element: String, a: [NumberColumn], b: [NumberColumn]) {
        self.names = names
        self.element = element
        self.a = a
        self.b = b
    }

    var rowsA: Int { a[0].count }
    var rowsB: Int { b[0].count }

    /// A column whose length is not that of the first, or that holds a NaN: a row with it means nothing.
    var malformed: Difference? {
        for columns in [a, b] {
            for (name, column) in zip(names, columns) {
                if column.count != columns[0].count { return .of("\(name) (count)") }
                if let at = column.firstNaN { return .of("\(name)[\(at)] (NaN)") }
            }
        }
        return nil
    }

    /// The same rows in the same order.
    var areEqual: Bool {
        guard rowsA == rowsB else { return false }
        return zip(a, b).allSatisfy { x, y in (0..<x.count).allSatisfy { x[$0] == y[$0] } }
    }

    /// Rows without those that are exactly equal to an earlier one.
    var withoutDuplicates: ColumnPairs {
        ColumnPairs(names: names, element: element, a: Self.unique(a), b: Self.unique(b))
    }

    private static func unique(_ columns: [NumberColumn]) -> [NumberColumn] {
        let order = sorted(columns)
        var kept: [Int] = []
        for (place, row) in order.enumerated() {
            let isNew = place == 0 || columns.contains { $0[order[place - 1]] != $0[row] }
            if isNew { kept.append(row) }
        }
        kept.sort()
        return columns.map { column in
            column.isInteger
                ? NumberColumn(
                    integer: kept.map { if case .integer(let value) = column[$0] { value } else { 0 } })
                : NumberColumn(real: kept.map { column[$0].value })
        }
    }

    /// Rows in ascending order, first column first; equal ones in order of place.
    static func sorted(_ columns: [NumberColumn]) -> [Int] {
        (0..<columns[0].count).sorted { x, y in
            for column in columns where column[x] != column[y] { return column[x] < column[y] }
            return x < y
        }
    }
}
