import Domain

/// How many columns text takes on a terminal.
package enum DisplayWidth {
    /// Text of others, so that what is left has a width of its own: nothing that moves the cursor, joins or turns what
    /// stands beside it, and no heaps of marks over one letter.
    package static func clean(_ text: String) -> String {
        var view = String.UnicodeScalarView()
        var marks = 0
        for scalar in PrintableText.clean(text).unicodeScalars {
            if isInvisible(scalar) { continue }
            marks = columns(scalar) == 0 ? marks + 1 : 0
            if marks <= 2 { view.append(scalar) }
        }
        return String(view)
    }

    /// Columns of clean text; at most so many on any terminal that draws East Asian wide letters over two.
    package static func columns(_ text: String) -> Int {
        text.utf8.count == text.unicodeScalars.count
            ? text.utf8.count : text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// The longest beginning that takes at most so many columns; where something is left out, it ends in `…`.
    package static func cut(_ text: String, _ most: Int) -> String {
        guard most > 0 else { return "" }
        guard columns(text) > most else { return text }
        var view = String.UnicodeScalarView()
        var used = 1
        for scalar in text.unicodeScalars {
            used += columns(scalar)
            if used > most { break }
            view.append(scalar)
        }
        return String(view) + "…"
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0xAD else { return false }
        let isSelector = (0xFE00...0xFE0F).contains(scalar.value) || (0xE0100...0xE01EF).contains(scalar.value)
        return isSelector || scalar.properties.generalCategory == .format
            || scalar.properties.isDefaultIgnorableCodePoint
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        return isWide(scalar) ? 2 : 1
    }

    /// Blocks of which nearly all letters are wide or full-width by Unicode's East Asian Width (UAX 11), and emoji.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1D300...0x1D37F,
            0x1F000...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: scalar.properties.isEmojiPresentation
        }
    }
}
