/// Text of others, made fit for a terminal or a log.
public enum PrintableText {
    /// Replaces what could move the cursor, change colours or reorder text: control characters, line and paragraph
    /// separators, directional marks. Line breaks and tabs become spaces, everything else a question mark.
    public static func clean(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text.unicodeScalars.map { isUnsafe($0) ? ($0 == "\n" || $0 == "\t" ? " " : "?") : $0 })
        return String(view)
    }

    /// The same, line by line.
    public static func cleanLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { clean(String($0)) }.joined(separator: "\n")
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
