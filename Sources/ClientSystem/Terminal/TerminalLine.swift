/// How a piece of a line looks.
package enum TextStyle: Hashable, Sendable, CaseIterable {
    case plain, strong, quiet, good, busy, bad, chosen, bar, rest

    /// Parameters of the control sequence that begins it.
    ///
    /// - Parameter hasColour: false: only what a terminal of one colour can show.
    func code(hasColour: Bool) -> String {
        switch self {
        case .plain: ""
        case .strong: "1"
        case .chosen: "7"
        case .quiet: hasColour ? "2" : ""
        case .good: hasColour ? "32" : ""
        case .busy: hasColour ? "33" : ""
        case .bad: hasColour ? "31" : "1"
        case .bar: hasColour ? "36" : ""
        case .rest: hasColour ? "2" : ""
        }
    }
}

/// A line of pieces, each with its look.
package struct TerminalLine: Hashable, Sendable {
    package struct Piece: Hashable, Sendable {
        package var text: String
        package var style: TextStyle
    }

    package private(set) var pieces: [Piece] = []

    package init() {}

    /// - Parameter text: may hold the words of others.
    package init(_ text: String, _ style: TextStyle = .plain) { add(text, style) }

    package mutating func add(_ text: String, _ style: TextStyle = .plain) {
        let clean = DisplayWidth.clean(text)
        if !clean.isEmpty { pieces.append(Piece(text: clean, style: style)) }
    }

    /// Text in exactly so many columns, cut or padded; to the right when it is a number.
    package mutating func add(_ text: String, _ style: TextStyle = .plain, columns: Int, toTheRight: Bool = false) {
        let cut = DisplayWidth.cut(DisplayWidth.clean(text), columns)
        let space = String(repeating: " ", count: max(0, columns - DisplayWidth.columns(cut)))
        add(toTheRight ? space + cut : cut + space, style)
    }

    /// All of it in one look.
    package mutating func dress(_ style: TextStyle) {
        for place in pieces.indices { pieces[place].style = style }
    }

    package var text: String { pieces.map(\.text).joined() }
    package var columns: Int { pieces.reduce(0) { $0 + DisplayWidth.columns($1.text) } }

    /// The line in at most so many columns.
    package func fitted(_ most: Int) -> TerminalLine {
        guard columns > most else { return self }
        var line = TerminalLine()
        var left = most
        for piece in pieces {
            let width = DisplayWidth.columns(piece.text)
            // One column is for the sign that something is left out, unless this is all.
            if width < left {
                line.pieces.append(piece)
                left -= width
                continue
            }
            let cut = DisplayWidth.cut(piece.text + " ", left)
            if !cut.isEmpty { line.pieces.append(Piece(text: cut, style: piece.style)) }
            break
        }
        return line
    }

    /// Words over several lines of at most so many columns.
    package static func wrapped(_ text: String, _ style: TextStyle = .plain, columns most: Int) -> [TerminalLine] {
        var lines: [String] = []
        for word in DisplayWidth.clean(text).split(separator: " ") {
            if let last = lines.last, DisplayWidth.columns(last) + 1 + DisplayWidth.columns(String(word)) <= most {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { TerminalLine($0, style).fitted(most) }
    }
}
