/// Columns of text, aligned, no wider than the terminal: the widest flexible column gives way first.
public struct TextTable {
    public enum Alignment: Sendable { case left, right }

    public struct Column: Sendable {
        public var title: String
        public var alignment: Alignment
        /// Whether it may be cut when there is no room.
        public var isFlexible: Bool

        public init(_ title: String, _ alignment: Alignment = .left, flexible: Bool = false) {
            self.title = title
            self.alignment = alignment
            isFlexible = flexible
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []
    private static let gap = 2
    private static let flexibleMin = 6

    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter cells: one for each column.
    public mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(cells.map(Printable.clean))
    }

    /// The title line and the rows, each ending with a line break. Lines are cut to `width` columns at the latest.
    public func text(width: Int) -> String {
        var widths = columns.indices.map { at in
            ([columns[at].title] + rows.map { $0[at] }).map(Printable.width).max() ?? 0
        }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - width
        while excess > 0 {
            let flexible = columns.indices.filter { columns[$0].isFlexible && widths[$0] > Self.flexibleMin }
            guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        let lines = [columns.map(\.title)] + rows
        return lines.map { line($0, widths, width) + "\n" }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int], _ width: Int) -> String {
        var parts: [String] = []
        for at in columns.indices {
            let cell = Printable.cut(cells[at], to: widths[at])
            let space = String(repeating: " ", count: widths[at] - Printable.width(cell))
            parts.append(columns[at].alignment == .left ? cell + space : space + cell)
        }
        var line = parts.joined(separator: String(repeating: " ", count: Self.gap))
        while line.last == " " { line.removeLast() }
        return Printable.cut(line, to: width)
    }
}
