/// A bar of exactly so many columns.
public enum ProgressBar {
    /// - Parameter fraction: cut to 0 ... 1; a part that is not zero shows at least one mark, and only all fills it.
    /// - Parameter width: 3 columns and more, brackets included; less gives an empty text.
    public static func text(_ fraction: Double, width: Int, unicode: Bool) -> String {
        let inner = width - 2
        guard inner >= 1 else { return "" }
        let share = fraction.isFinite ? min(max(fraction, 0), 1) : 0
        var filled = Int((share * Double(inner)).rounded(.down))
        if share > 0 { filled = max(filled, 1) }
        if share < 1 { filled = min(filled, inner - 1) }
        filled = max(0, filled)
        let (full, empty) = unicode ? ("\u{2588}", "\u{2591}") : ("#", ".")
        return "[" + String(repeating: full, count: filled) + String(repeating: empty, count: inner - filled) + "]"
    }

    /// `45.6 %`; never 100 before all is done.
    public static func percent(_ fraction: Double) -> String {
        guard fraction.isFinite else { return "0.0 %" }
        let share = min(max(fraction, 0), 1)
        let shown = share < 1 ? min(share * 100, 99.9) : 100
        return "\(Amounts.fixed((shown * 10).rounded(.down) / 10, decimals: 1)) %"
    }
}

/// Lines that are drawn over again and again.
///
/// A window may have become narrower since the last drawing: then the old lines wrap, and take more rows than they had.
public struct LiveBlock: Sendable {
    private var drawn: [String] = []

    public init() {}

    /// The text that replaces the last drawing by `lines`, cut to one column less than the window, so nothing wraps.
    public mutating func redraw(_ lines: [String], width: Int) -> String {
        let usable = max(1, width - 1)
        var text = erase(width: width)
        drawn = lines.map { Printable.cut($0, to: usable) }
        text += drawn.joined(separator: "\n") + "\n"
        return text
    }

    /// The text that takes the last drawing away.
    public mutating func erase(width: Int) -> String {
        let columns = max(1, width)
        let rows = drawn.reduce(0) { $0 + max(1, (Printable.width($1) + columns - 1) / columns) }
        drawn = []
        return rows == 0 ? "" : "\u{1B}[\(rows)A\r\u{1B}[J"
    }
}
