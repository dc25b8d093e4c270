/// Columns of doubles of equal length: what a CSV input with `packing: table` becomes.
public struct Table: Hashable, Sendable {
    public private(set) var names: [String]
    public private(set) var columns: [[Double]]

    /// - Returns: nil when the counts differ or the columns have different lengths.
    public init?(names: [String], columns: [[Double]]) {
        guard names.count == columns.count, Set(names).count == names.count,
            columns.allSatisfy({ $0.count == columns[0].count })
        else { return nil }
        self.names = names
        self.columns = columns
    }

    public var rowCount: Int { columns.first?.count ?? 0 }

    /// - Returns: nil when there is no such column.
    public subscript(name: String) -> [Double]? {
        names.firstIndex(of: name).map { columns[$0] }
    }
}
