import Domain
import Plugins

/// Two texts, line by line and part by part.
struct TextComparison {
    let rule: TextRule
    let linesMax: Int
    private let prefixes: [[UInt8]]
    private let fields: [[UInt8]]

    init(_ rule: TextRule, linesMax: Int) {
        self.rule = rule
        self.linesMax = linesMax
        prefixes = rule.ignoredPrefixes.map { Array($0.utf8) }
        fields = rule.ignoredFields.map { Array($0.utf8) }
    }

    func difference(_ pair: SectionPair) -> Difference? {
        guard pair.a.kind == .utf8 || pair.a.kind == .bytes else { return .of("\(pair.element) (no text)") }
        if pair.a.bytes == pair.b.bytes { return nil }
        var a = LineCursor(pair.a.bytes, ignoring: prefixes)
        var b = LineCursor(pair.b.bytes, ignoring: prefixes)
        switch rule.layout {
        case .lines:
            return rule.isOrdered
                ? inOrder(&a, &b, pair.element) { x, y in lineDifference(x, y) }
                : inAnyOrder(&a, &b, pair.element) {
                    canonical($0)
                } and: {
                    canonical($0)
                }
        case .csv(let separator): return tables(&a, &b, pair.element, separator)
        }
    }

    // MARK: Lines

    /// Where in a line two texts part: a name for the place, and the sizes.
    private typealias Parting = (place: String, distance: Double, tolerance: Double)

    private func inOrder(
        _ a: inout LineCursor, _ b: inout LineCursor, _ element: String,
        _ parting: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Parting?
    ) -> Difference? {
        while true {
            switch (a.next(), b.next()) {
            case (nil, nil): return nil
            case (let x?, let y?):
                if x == y { continue }
                guard let found = parting(x, y) else { continue }
                return Difference(
                    element: "\(element) line \(a.number)\(found.place)", distance: found.distance,
                    tolerance: found.tolerance)
            default: return .of("\(element) (lines)")
            }
        }
    }

    private func lineDifference(_ x: ArraySlice<UInt8>, _ y: ArraySlice<UInt8>) -> Parting? {
        var (a, b) = (TokenCursor(x, ignoring: fields), TokenCursor(y, ignoring: fields))
        while true {
            switch (a.next(), b.next()) {
            case (nil, nil): return nil
            case (let x?, let y?): if let found = apart(x, y) { return ("", found.distance, found.tolerance) }
            default: return ("", .infinity, 0)
            }
        }
    }

    /// What two words or fields differ by; nil: nothing that counts.
    private func apart(_ x: ArraySlice<UInt8>, _ y: ArraySlice<UInt8>) -> (distance: Double, tolerance: Double)? {
        if x == y { return nil }
        guard let closeness = rule.numbers, let a = DecimalText.number(x), let b = DecimalText.number(y) else {
            return (.infinity, 0)
        }
        return closeness.holds(a, b) ? nil : (abs(a - b), closeness.allowed(a, b))
    }

    // MARK: Tables

    private func tables(
        _ a: inout LineCursor, _ b: inout LineCursor, _ element: String, _ separator: UInt8
    ) -> Difference? {
        let headers = (a.next(), b.next())
        guard let x = headers.0, let y = headers.1 else {
            return headers.0 == nil && headers.1 == nil ? nil : .of("\(element) (header)")
        }
        let (first, second) = (Header(x, separator, ignoring: fields), Header(y, separator, ignoring: fields))
        guard first.names == second.names else { return .of("\(element) (header)") }
        guard rule.isOrdered else {
            return inAnyOrder(&a, &b, element) {
                canonical($0, separator, first)
            } and: {
                canonical($0, separator, second)
            }
        }
        return inOrder(&a, &b, element) { x, y in rowDifference(x, y, separator, first, second) }
    }

    private func rowDifference(
        _ x: ArraySlice<UInt8>, _ y: ArraySlice<UInt8>, _ separator: UInt8, _ first: Header, _ second: Header
    ) -> Parting? {
        var (a, b) = (FieldCursor(x, separator: separator), FieldCursor(y, separator: separator))
        var (atA, atB, column) = (0, 0, 0)
        while true {
            switch (first.next(&a, &atA), second.next(&b, &atB)) {
            case (nil, nil): return nil
            case (let x?, let y?):
                if let found = apart(x, y) {
                    let name = column < first.names.count ? String(decoding: first.names[column], as: UTF8.self) : ""
                    return (" column \(Element.name(name))", found.distance, found.tolerance)
                }
                column += 1
            default: return (" (columns)", .infinity, 0)
            }
        }
    }

    /// The first line of a CSV text.
    private struct Header {
        /// Names of the columns that count.
        var names: [ArraySlice<UInt8>] = []
        private var isIgnored: [Bool] = []

        init(_ line: ArraySlice<UInt8>, _ separator: UInt8, ignoring fields: [[UInt8]]) {
            var cursor = FieldCursor(line, separator: separator)
            while let name = cursor.next() {
                let ignored = fields.contains { name.elementsEqual($0) }
                isIgnored.append(ignored)
                if !ignored { names.append(name) }
            }
        }

        /// The next field that counts. - Parameter at: counts the fields of the line.
        func next(_ cursor: inout FieldCursor, _ at: inout Int) -> ArraySlice<UInt8>? {
            while let field = cursor.next() {
                defer { at += 1 }
                if at >= isIgnored.count || !isIgnored[at] { return field }
            }
            return nil
        }
    }

    // MARK: Any order

    private func inAnyOrder(
        _ a: inout LineCursor, _ b: inout LineCursor, _ element: String,
        _ canonical: (ArraySlice<UInt8>) -> [UInt8], and other: (ArraySlice<UInt8>) -> [UInt8]
    ) -> Difference? {
        guard let x = lines(&a, canonical), let y = lines(&b, other) else {
            return .of("\(element) (too many lines)")
        }
        if x == y { return nil }
        guard x.count == y.count else {
            return Difference(element: "\(element) (lines)", distance: Double(abs(x.count - y.count)), tolerance: 0)
        }
        let at = x.indices.first { x[$0] != y[$0] } ?? 0
        return .of("\(element) sorted line \(at + 1)")
    }

    private func lines(_ cursor: inout LineCursor, _ canonical: (ArraySlice<UInt8>) -> [UInt8]) -> [[UInt8]]? {
        var found: [[UInt8]] = []
        while let line = cursor.next() {
            if found.count == linesMax { return nil }
            found.append(canonical(line))
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The parts that count, each with its length, so that no two different lines look alike.
    private func canonical(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var cursor = TokenCursor(line, ignoring: fields)
        var bytes: [UInt8] = []
        while let token = cursor.next() { Self.append(token, to: &bytes) }
        return bytes
    }

    private func canonical(_ line: ArraySlice<UInt8>, _ separator: UInt8, _ header: Header) -> [UInt8] {
        var (cursor, at) = (FieldCursor(line, separator: separator), 0)
        var bytes: [UInt8] = []
        while let field = header.next(&cursor, &at) { Self.append(field, to: &bytes) }
        return bytes
    }

    private static func append(_ part: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: part.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += part
    }
}
