import Domain
import YAMLText

/// A checked value of a key.
enum KeyValue: Hashable, Sendable {
    case text(String)
    case integer(Int64)
    case real(Double)
    case flag(Bool)
    case span(TimeSpan)
    case packing(InputPacking)
    case reals([Double])
    case lines([String])
}

/// Reads the text of one scalar as one kind of value.
struct ValueReader {
    let apps: [AppSchema]

    func read(_ node: YAMLNode, as kind: ValueKind) throws(ValueFault) -> KeyValue {
        switch kind {
        case .reals(let range):
            var numbers: [Double] = []
            for element in try elements(node, kind) {
                if case .real(let number) = try self.element(element, of: .real(range)) { numbers.append(number) }
            }
            return .reals(numbers)
        case .lines(let bytesMax):
            var lines: [String] = []
            for element in try elements(node, kind) {
                if case .text(let line) = try self.element(element, of: .line(bytesMax: bytesMax)) {
                    lines.append(line)
                }
            }
            return .lines(lines)
        default: return try scalar(node, as: kind)
        }
    }

    /// The elements of a list, or the one value that stands for it.
    private func elements(_ node: YAMLNode, _ kind: ValueKind) throws(ValueFault) -> [YAMLNode] {
        guard case .sequence(let nodes) = node.value else { return [node] }
        guard (1...Limits.inputsPerProjectMax).contains(nodes.count) else {
            throw ValueFault(
                message: "a list of \(nodes.count) elements stands here",
                expected: "\(kind.expected(apps)); at most \(Limits.inputsPerProjectMax)")
        }
        return nodes
    }

    private func element(_ node: YAMLNode, of kind: ValueKind) throws(ValueFault) -> KeyValue {
        do throws(ValueFault) { return try scalar(node, as: kind) } catch {
            var fault = error
            if !node.isEmpty { fault.place = node.place }
            throw fault
        }
    }

    private func scalar(_ node: YAMLNode, as kind: ValueKind) throws(ValueFault) -> KeyValue {
        guard case .scalar(let text, let quoted) = node.value, !node.isEmpty else {
            throw ValueFault(message: "\(node.found) stands here", expected: kind.expected(apps), suggestion: nil)
        }
        switch kind {
        case .integer, .real, .flag:
            if quoted {
                throw ValueFault(
                    message: "\(node.found) is text in quotes", expected: kind.expected(apps) + ", without quotes")
            }
        default: break
        }
        return try read(text, node.found, kind)
    }

    private func read(_ text: String, _ found: String, _ kind: ValueKind) throws(ValueFault) -> KeyValue {
        switch kind {
        case .section, .list, .parameters, .reals, .lines:
            throw ValueFault(message: "\(found) stands here", expected: kind.expected(apps))
        case .name(let bytesMax): return .text(try name(text, found, bytesMax, kind))
        case .line(let bytesMax): return .text(try prose(text, bytesMax, oneLine: true))
        case .text(let bytesMax): return .text(try prose(text, bytesMax, oneLine: false))
        case .licence: return .text(try licence(text, found))
        case .word(let word):
            guard word.isValid(text) else {
                throw ValueFault(message: "\(found) is no such name", expected: kind.expected(apps))
            }
            return .text(text)
        case .app:
            let names = apps.map(\.name)
            return .text(try Scalars.word(text, found, names, "an app: " + names.joined(separator: ", ")))
        case .path: return .text(try path(text, found))
        case .packing:
            let words = InputPacking.allCases.map(\.rawValue)
            let found = try Scalars.word(text, found, words, kind.expected(apps))
            return .packing(InputPacking(rawValue: found) ?? .plain)
        case .choice(let words): return .text(try Scalars.word(text, found, words, kind.expected(apps)))
        case .flag: return .flag(try flag(text, found))
        case .integer(let range):
            guard let value = Quantities.integer(text) else {
                throw ValueFault(message: "\(found) is no whole number", expected: kind.expected(apps))
            }
            return .integer(try inRange(value, range, found, kind))
        case .real(let range, let aboveLower):
            guard let value = Quantities.real(text) else {
                if Quantities.isTooLarge(text) { throw outOfRange(found, kind) }
                throw ValueFault(message: "\(found) is no number", expected: kind.expected(apps))
            }
            if aboveLower, value == range.lowerBound { throw outOfRange(found, kind) }
            return .real(try inRange(value, range, found, kind))
        case .duration(let range):
            let units = Quantities.times.map { (word: $0.word, factor: $0.seconds) }
            let seconds = try Scalars.quantity(text, found, units, expected: kind.expected(apps))
            return .span(TimeSpan(seconds: try inRange(seconds, range, found, kind)))
        case .size(let range):
            let units = Quantities.sizes.map { (word: $0.word, factor: $0.bytes) }
            let bytes = try Scalars.quantity(text, found, units, expected: kind.expected(apps))
            guard abs(bytes) < 9e18, bytes.rounded() == bytes else {
                throw ValueFault(message: "\(found) is no whole number of bytes", expected: kind.expected(apps))
            }
            return .integer(try inRange(Int64(bytes), range, found, kind))
        }
    }

    private func inRange<T: Comparable>(
        _ value: T, _ range: ClosedRange<T>, _ found: String, _ kind: ValueKind
    ) throws(ValueFault) -> T {
        guard range.contains(value) else { throw outOfRange(found, kind) }
        return value
    }

    private func outOfRange(_ found: String, _ kind: ValueKind) -> ValueFault {
        ValueFault(message: "\(found) is out of range", expected: kind.expected(apps))
    }

    /// YAML 1.1 also knew `yes`, `on` and the like; YAML 1.2, and this manifest, only true and false.
    private func flag(_ text: String, _ found: String) throws(ValueFault) -> Bool {
        if text == "true" || text == "false" { return text == "true" }
        let lowered = text.lowercased()
        let meant = ["yes", "on", "y", "1", "true"].contains(lowered) ? "true" : nil
        let denied = ["no", "off", "n", "0", "false"].contains(lowered) ? "false" : nil
        throw ValueFault(
            message: "\(found) is neither true nor false", expected: "true or false",
            suggestion: meant ?? denied ?? Nearest.word(to: text, in: ["true", "false"]))
    }

    private func licence(_ text: String, _ found: String) throws(ValueFault) -> String {
        guard let licence = Licences.canonical(text) else {
            throw ValueFault(
                message: "\(found) is no known licence",
                expected: "an SPDX identifier, for example CC-BY-4.0, CC0-1.0 or Apache-2.0",
                suggestion: Nearest.word(to: text, in: Licences.identifiers))
        }
        return licence
    }

    private func name(
        _ text: String, _ found: String, _ bytesMax: Int, _ kind: ValueKind
    ) throws(ValueFault) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count <= bytesMax, let first = bytes.first, let last = bytes.last,
            bytes.allSatisfy({ Self.isLetterOrDigit($0) || $0 == 0x2D }), first != 0x2D, last != 0x2D
        else {
            let repaired = Self.repairedName(text, bytesMax)
            throw ValueFault(
                message: "\(found) is no name", expected: kind.expected(apps), suggestion: repaired)
        }
        return text
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39
    }

    /// `My Search 2` becomes `my-search-2`.
    static func repairedName(_ text: String, _ bytesMax: Int) -> String? {
        let bytes = text.lowercased().utf8.map { isLetterOrDigit($0) ? $0 : 0x2D }
        let words = bytes.split(separator: 0x2D, omittingEmptySubsequences: true)
        let joined = Array(words.joined(separator: [0x2D]).prefix(bytesMax))
        let name = String(decoding: joined, as: UTF8.self)
        return name.isEmpty || name.hasSuffix("-") ? nil : name
    }

    private func prose(_ text: String, _ bytesMax: Int, oneLine: Bool) throws(ValueFault) -> String {
        let trimmed = Self.trimmed(text)
        if trimmed.isEmpty { throw ValueFault(message: "an empty text stands here", expected: "some words") }
        if trimmed.utf8.count > bytesMax {
            throw ValueFault(message: "the text has \(trimmed.utf8.count) bytes", expected: "at most \(bytesMax) bytes")
        }
        // Quoted YAML can bring any character: what would move a terminal's cursor stays out of everything we print.
        let refused = trimmed.unicodeScalars.contains { scalar in
            (scalar.value < 32 || (0x7F..<0xA0).contains(scalar.value)) && (oneLine || scalar != "\n")
        }
        if refused {
            let expected = oneLine ? "one line of text" : "text without control characters"
            throw ValueFault(message: "the text has control characters or line breaks", expected: expected)
        }
        return trimmed
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\n" }
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[first...last])
        return String(view)
    }

    private func path(_ text: String, _ found: String) throws(ValueFault) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let plain = text.utf8.count <= 512 && !text.hasPrefix("/") && !text.utf8.contains { $0 < 32 || $0 == 127 }
        guard plain, parts.allSatisfy({ !$0.isEmpty && $0 != ".." && $0 != "." }) else {
            throw ValueFault(
                message: "\(found) is no path inside the project's folder",
                expected: "a relative path without `..`, for example input/data.csv")
        }
        return text
    }
}
