/// Looks through the text before the YAML parser does: refuses what the parser would answer with much work, and hides
/// what it would expand.
struct TextScan {
    /// Deepest indentation and most open brackets: our texts need ten.
    static let depthMax = 100
    /// Stands for `*` while the parser runs, so that an alias is plain text and is never expanded.
    static let hiddenStar: Unicode.Scalar = "\u{E000}"

    /// The text to parse: as long as the original, scalar by scalar, so that positions are the same.
    private(set) var scalars: [Unicode.Scalar] = []
    private var lineStarts: [Int] = [0]

    /// Adds a fault and returns nil when the text is not to be parsed at all.
    init?(_ text: String, noun: String, bytesMax: Int, _ faults: inout FaultList) {
        guard text.utf8.count <= bytesMax else {
            faults.add(
                .start, "the \(noun) has \(text.utf8.count) bytes", expected: "at most \(bytesMax)")
            return nil
        }
        scalars = Array(text.unicodeScalars)
        var open = 0
        var indentation: Int? = 0
        for at in scalars.indices {
            let scalar = scalars[at]
            if Self.endsLine(scalar, next: at + 1 < scalars.count ? scalars[at + 1] : nil) {
                lineStarts.append(at + 1)
                indentation = 0
                continue
            }
            if let why = Self.refusal(scalar) {
                faults.add(place(of: at), why, expected: "printable text in UTF-8")
                return nil
            }
            if scalar == "[" || scalar == "{" { open += 1 }
            if scalar == "]" || scalar == "}" { open = max(0, open - 1) }
            if let depth = indentation { indentation = " -?".unicodeScalars.contains(scalar) ? depth + 1 : nil }
            if open > Self.depthMax || indentation ?? 0 > Self.depthMax {
                faults.add(place(of: at), "the text is nested too deeply", expected: "at most \(Self.depthMax) levels")
                return nil
            }
        }
        scalars = scalars.map { $0 == "*" ? Self.hiddenStar : $0 }
    }

    /// YAML's line breaks: CR LF counts once, at its LF.
    private static func endsLine(_ scalar: Unicode.Scalar, next: Unicode.Scalar?) -> Bool {
        switch scalar.value {
        case 0x0A, 0x85, 0x2028, 0x2029: true
        case 0x0D: next?.value != 0x0A
        default: false
        }
    }

    private static func refusal(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x09, 0x0D: nil
        case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF:
            "the control character U+\(hex(scalar.value)) stands in the text"
        case 0xE000: "the private-use character U+\(hex(scalar.value)) stands in the text"
        default: nil
        }
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private func place(of index: Int) -> Place {
        Place(line: lineStarts.count, column: index - (lineStarts.last ?? 0) + 1)
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The index of a place, or nil when the text is not that long.
    func index(of place: Place) -> Int? {
        guard place.line >= 1, place.line <= lineStarts.count else { return nil }
        let index = lineStarts[place.line - 1] + place.column - 1
        return index < scalars.count ? index : nil
    }

    /// Puts the stars back.
    static func restored(_ text: String) -> String {
        guard text.unicodeScalars.contains(hiddenStar) else { return text }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text.unicodeScalars.map { $0 == hiddenStar ? "*" : $0 })
        return String(view)
    }
}
