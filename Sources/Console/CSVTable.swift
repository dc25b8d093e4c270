/// A table as RFC 4180 has it: a header, fields in quotes where they must be, lines that end with CR LF.
///
/// Reports carry names that strangers chose, and admins open them in a spreadsheet, which takes a cell that begins with
/// `=`, `+`, `-` or `@` for a formula (OWASP, "CSV injection"). Such a text gets an apostrophe in front, which
/// spreadsheets take for "this is text"; numbers that this program made are left alone.
public struct CSVTable {
    public enum Cell: Hashable, Sendable {
        case text(String)
        case integer(Int64)
        case unsigned(UInt64)
        /// With all its digits; `inf` and `nan` as such.
        case real(Double)
        case empty

        /// A text, or nothing for a value that is not known.
        public static func optional(_ value: UInt64, unless: Bool) -> Cell { unless ? .empty : .unsigned(value) }
    }

    private var lines: [String]
    private let width: Int

    /// - Parameter header: names of the columns, plain words.
    public init(_ header: [String]) {
        width = header.count
        lines = [header.joined(separator: ",")]
    }

    /// - Parameter cells: one for each column.
    public mutating func add(_ cells: [Cell]) {
        precondition(cells.count == width)
        lines.append(cells.map(Self.field).joined(separator: ","))
    }

    public var text: String { lines.map { $0 + "\r\n" }.joined() }

    private static func field(_ cell: Cell) -> String {
        switch cell {
        // What moves a terminal's cursor has no place in a table either; line breaks become blanks.
        case .text(let text): quoted(disarmed(Printable.clean(text)))
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .real(let value): value.isNaN ? "nan" : value.isFinite ? "\(value)" : value < 0 ? "-inf" : "inf"
        case .empty: ""
        }
    }

    /// The full-width twins of the four signs begin a formula, too.
    private static func disarmed(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return text }
        let signs: [Unicode.Scalar] = ["=", "+", "-", "@", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}"]
        // A blank in front is often cut away before the cell is read.
        let visible = text.unicodeScalars.first { $0 != " " && $0 != "\u{A0}" } ?? first
        return signs.contains(visible) ? "'" + text : text
    }

    /// By scalars: a quote with an accent on it is another character, and still ends a field.
    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let needsQuotes = scalars.contains { $0 == "," || $0 == "\"" || $0 == "\r" || $0 == "\n" }
        guard needsQuotes || scalars.first == " " || scalars.last == " " else { return text }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in scalars {
            if scalar == "\"" { quoted.append(scalar) }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }
}
