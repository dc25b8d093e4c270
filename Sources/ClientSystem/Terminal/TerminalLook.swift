import Glibc

/// What a terminal can show.
public struct TerminalLook: Hashable, Sendable {
    public var hasColour: Bool
    /// Whether it takes UTF-8; else everything is told in ASCII.
    public var isUnicode: Bool

    /// What the environment of this process says.
    public static var ofEnvironment: TerminalLook {
        TerminalLook { name in getenv(name).map { String(cString: $0) } }
    }

    package init(hasColour: Bool, isUnicode: Bool) {
        self.hasColour = hasColour
        self.isUnicode = isUnicode
    }

    /// - Parameter environment: `TERM`, `NO_COLOR` (any value but the empty one; no-color.org), and the locale.
    package init(environment: (String) -> String?) {
        let terminal = environment("TERM") ?? ""
        let wantsNone = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        hasColour = !wantsNone && !["", "dumb", "vt100", "vt220"].contains(terminal) && !terminal.hasSuffix("-m")
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
        let name = locale.lowercased()
        isUnicode = name.contains("utf-8") || name.contains("utf8")
    }

    /// A bar of so many columns.
    ///
    /// - Parameter fraction: 0 ... 1; others count as the nearer end.
    package func bar(_ fraction: Double, columns: Int) -> (full: String, rest: String) {
        guard columns > 0 else { return ("", "") }
        let part = fraction.isFinite ? min(1, max(0, fraction)) : 0
        guard isUnicode else {
            let full = Int(part * Double(columns))
            return (String(repeating: "#", count: full), String(repeating: ".", count: columns - full))
        }
        let eighths = Int(part * Double(columns * 8))
        let (full, more) = (eighths / 8, eighths % 8)
        let tip = more > 0 ? ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][more - 1] : ""
        return (
            String(repeating: "█", count: full) + tip,
            String(repeating: "░", count: columns - full - (more > 0 ? 1 : 0))
        )
    }

    /// The bytes that show lines from the top left corner on, and nothing else.
    package func frame(_ lines: [TerminalLine], columns: Int) -> [UInt8] {
        var text = ""
        for (row, line) in lines.enumerated() {
            text += "\u{1B}[\(row + 1);1H"
            for piece in line.pieces {
                let code = piece.style.code(hasColour: hasColour)
                let words = spelled(piece.text)
                text += code.isEmpty ? words : "\u{1B}[\(code)m\(words)\u{1B}[0m"
            }
            // At the end of a full line the cursor stands on its last letter, which this would wipe out.
            if line.columns < columns { text += "\u{1B}[K" }
        }
        return Array((text + "\u{1B}[\(lines.count);1H").utf8)
    }

    /// A line as plain text.
    package func plain(_ line: TerminalLine) -> String {
        var text = spelled(line.text)
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    /// A letter that the terminal does not know becomes as many signs as it has columns.
    private func spelled(_ text: String) -> String {
        guard !isUnicode, text.utf8.count != text.unicodeScalars.count else { return text }
        var view = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "…": view += "~"
            case "·", "—", "–": view += "-"
            case "›": view += ">"
            default:
                view +=
                    scalar.isASCII
                    ? String(Character(scalar))
                    : String(repeating: "?", count: DisplayWidth.columns(String(Character(scalar))))
            }
        }
        return view
    }
}
