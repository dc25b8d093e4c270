/// Lines of a text, one after another, without a copy.
struct LineCursor {
    private let bytes: [UInt8]
    private var at = 0
    private let ignored: [[UInt8]]
    /// The number of the line that `next` gave last, from 1.
    private(set) var number = 0

    init(_ bytes: [UInt8], ignoring prefixes: [[UInt8]]) {
        self.bytes = bytes
        ignored = prefixes
    }

    /// The next line that counts, without its end; nil after the last one.
    mutating func next() -> ArraySlice<UInt8>? {
        while at < bytes.count {
            let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = bytes[at..<end]
            at = end + 1
            number += 1
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if !isIgnored(line) { return line }
        }
        return nil
    }

    private func isIgnored(_ line: ArraySlice<UInt8>) -> Bool {
        if ignored.isEmpty { return false }
        let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return ignored.contains { text.starts(with: $0) }
    }
}

/// Words, numbers, quoted texts and marks of one line; what follows an ignored key is left out. One pass, no going
/// back: the time is linear whatever the line holds.
struct TokenCursor {
    private let line: ArraySlice<UInt8>
    private var at: Int
    private let ignored: [[UInt8]]

    init(_ line: ArraySlice<UInt8>, ignoring keys: [[UInt8]]) {
        self.line = line
        at = line.startIndex
        ignored = keys
    }

    mutating func next() -> ArraySlice<UInt8>? {
        while at < line.endIndex, Self.isBlank(line[at]) { at += 1 }
        guard at < line.endIndex else { return nil }
        let start = at
        if line[at] == UInt8(ascii: "\"") {
            skipQuoted()
            let token = line[start..<at]
            if !ignored.isEmpty, isIgnoredKey(token) { skipValue() }
            return token
        }
        at += 1
        if Self.isMark(line[start]) { return line[start..<at] }
        while at < line.endIndex, !Self.isBlank(line[at]), !Self.isMark(line[at]), line[at] != UInt8(ascii: "\"") {
            at += 1
        }
        return line[start..<at]
    }

    private mutating func skipQuoted() {
        at += 1
        while at < line.endIndex {
            let byte = line[at]
            at += byte == UInt8(ascii: "\\") && at + 1 < line.endIndex ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
    }

    /// Whether the quoted text is an ignored key with a colon behind it.
    private func isIgnoredKey(_ token: ArraySlice<UInt8>) -> Bool {
        guard token.count >= 2, ignored.contains(where: { token.dropFirst().dropLast().elementsEqual($0) }) else {
            return false
        }
        return line[at...].first { !Self.isBlank($0) } == UInt8(ascii: ":")
    }

    /// Everything up to the comma or bracket that ends the value; brackets inside are counted, quoted texts skipped.
    private mutating func skipValue() {
        var depth = 0
        while at < line.endIndex {
            switch line[at] {
            case UInt8(ascii: "\""):
                skipQuoted()
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ","): if depth == 0 { return }
            default: break
            }
            at += 1
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isMark(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}

/// Fields of a CSV line. A quoted field keeps its separators; two quotes inside it are one.
struct FieldCursor {
    private let line: ArraySlice<UInt8>
    private let separator: UInt8
    /// nil: after the last field.
    private var at: Int?

    init(_ line: ArraySlice<UInt8>, separator: UInt8) {
        self.line = line
        self.separator = separator
        at = line.startIndex
    }

    mutating func next() -> ArraySlice<UInt8>? {
        guard let start = at else { return nil }
        guard start < line.endIndex, line[start] == UInt8(ascii: "\"") else {
            let end = line[start...].firstIndex(of: separator) ?? line.endIndex
            at = end < line.endIndex ? end + 1 : nil
            return line[start..<end]
        }
        var text: [UInt8] = []
        var place = start + 1
        while place < line.endIndex {
            if line[place] != UInt8(ascii: "\"") {
                text.append(line[place])
            } else if place + 1 < line.endIndex, line[place + 1] == UInt8(ascii: "\"") {
                text.append(line[place])
                place += 1
            } else {
                break
            }
            place += 1
        }
        // Whatever stands between the closing quote and the separator belongs to the field as it is.
        let rest = min(place + 1, line.endIndex)
        let end = line[rest...].firstIndex(of: separator) ?? line.endIndex
        text += line[rest..<end]
        at = end < line.endIndex ? end + 1 : nil
        return text[...]
    }
}

/// Decimal numbers as programs print them.
enum DecimalText {
    static let bytesMax = 64

    /// - Returns: nil for anything but a sign, digits with at most one point, and an exponent; also for what is beyond
    ///   the largest Double.
    static func number(_ text: ArraySlice<UInt8>) -> Double? {
        guard text.count <= bytesMax else { return nil }
        var rest = text
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func dropSign() {
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        }
        func dropDigits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        dropSign()
        var digits = dropDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            digits += dropDigits()
        }
        guard digits > 0 else { return nil }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            dropSign()
            guard dropDigits() > 0 else { return nil }
        }
        guard rest.isEmpty, let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return value
    }
}
