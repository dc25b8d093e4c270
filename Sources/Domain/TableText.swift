extension Table {
    /// A header line and the rows as CSV, each with a line feed: every number as the shortest text that reads back as
    /// the same double, whole numbers without a point.
    ///
    /// - Parameter rows: within 0 ..< `rowCount`.
    public func csv(rows: Range<Int>) -> [UInt8] {
        var bytes = Array(names.joined(separator: ",").utf8)
        bytes.append(UInt8(ascii: "\n"))
        for row in rows {
            for (place, column) in columns.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                let text = "\(column[row])"
                bytes += text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...]
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
