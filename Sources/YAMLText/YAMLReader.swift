import Yams

/// Text to `YAMLNode`, by Yams. Anchors, aliases, tags, repeated keys and more than one document are faults.
///
/// Yams stops at the first repeated key of a file; here the first of two equal keys is made unique by a mark and the
/// text is parsed again, so that every repeated key is reported together with everything else.
package struct YAMLReader {
    private var scan: TextScan
    private var faults: FaultList
    private let noun: String
    private let example: String
    /// What stood where a mark stands now.
    private var hidden: [Place: Unicode.Scalar] = [:]

    /// - Parameter noun: what the text is, for messages: `manifest`.
    /// - Parameter bytesMax: a longer text is a fault.
    /// - Parameter example: a line of such a text, for an empty one.
    /// - Returns: nil when the text is no YAML; `faults` then says why.
    package static func read(
        _ text: String, noun: String, bytesMax: Int, example: String, _ faults: inout FaultList
    ) -> YAMLNode? {
        // A byte order mark, as some editors write it; columns of the first line count without it.
        let hasMark = text.unicodeScalars.first == "\u{FEFF}"
        let text = hasMark ? String(text.unicodeScalars.dropFirst()) : text
        guard let scan = TextScan(text, noun: noun, bytesMax: bytesMax, &faults) else { return nil }
        var reader = YAMLReader(scan: scan, faults: faults, noun: noun, example: example)
        defer { faults = reader.faults }
        return reader.read()
    }

    private init(scan: TextScan, faults: FaultList, noun: String, example: String) {
        self.scan = scan
        self.faults = faults
        self.noun = noun
        self.example = example
    }

    private mutating func read() -> YAMLNode? {
        for round in 0...TextScan.repeatedKeysMax {
            do {
                // No resolver rules: every scalar stays text, and no regular expression runs.
                let parser = try Parser(yaml: scan.text, resolver: .basic, encoding: .utf8)
                guard let root = try parser.singleRoot() else {
                    faults.add(.start, "the \(noun) is empty", expected: "keys such as `\(example)`")
                    return nil
                }
                // Yams' nodes refer to their anchors weakly: the parser keeps them.
                return withExtendedLifetime(parser) { convert(root) }
            } catch YamlError.duplicatedKeysInMapping(_, let context) {
                guard hideKey(at: Place(context.mark), round: round) else { return nil }
            } catch let error as YamlError {
                explain(error)
                return nil
            } catch {
                faults.add(.start, "the \(noun) is no YAML")
                return nil
            }
        }
        faults.add(.start, "more than \(TextScan.repeatedKeysMax) keys are repeated")
        return nil
    }

    /// Makes the first of equal keys unique. - Returns: false when that is not possible; a fault then says so.
    private mutating func hideKey(at place: Place, round: Int) -> Bool {
        var place = place
        if let index = scan.index(of: place), "\"'".unicodeScalars.contains(scan.scalars[index]) { place.column += 1 }
        guard let index = scan.index(of: place), scan.scalars[index].properties.isAlphabetic,
            let mark = Unicode.Scalar(TextScan.repeatedKeyMark + UInt32(round))
        else {
            faults.add(place, "a key stands twice in one section", expected: "each key once")
            return false
        }
        hidden[place] = scan.scalars[index]
        scan.replace(index, with: mark)
        return true
    }

    private mutating func convert(_ node: Node) -> YAMLNode {
        let place = node.mark.map(Place.init) ?? .start
        if node.anchor != nil {
            faults.add(place, "an anchor (`&`) stands here", expected: "the value itself: anchors are not used")
        }
        switch node {
        case .scalar(let scalar):
            let plain = scalar.style == .plain
            if plain, scalar.string.unicodeScalars.first == TextScan.hiddenStar {
                faults.settle(
                    place, "an alias (`*`) stands here",
                    expected: "the value itself, or text in quotes: aliases are not used")
            }
            refuseTag(node, "tag:yaml.org,2002:str", place)
            return YAMLNode(place: place, value: .scalar(TextScan.restored(scalar.string), quoted: !plain))
        case .sequence(let sequence):
            refuseTag(node, "tag:yaml.org,2002:seq", place)
            return YAMLNode(place: place, value: .sequence(sequence.map { convert($0) }))
        case .mapping(let mapping):
            refuseTag(node, "tag:yaml.org,2002:map", place)
            return YAMLNode(place: place, value: .mapping(entries(mapping)))
        case .alias:
            return YAMLNode(place: place, value: .scalar("", quoted: false))
        }
    }

    private mutating func refuseTag(_ node: Node, _ usual: String, _ place: Place) {
        guard node.tag.rawValue != usual else { return }
        faults.add(
            place, "the tag `\(YAMLNode.short(node.tag.rawValue))` stands here", expected: "the value without a tag")
    }

    private mutating func entries(_ mapping: Node.Mapping) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var places: [String: Place] = [:]
        for (keyNode, valueNode) in mapping {
            let keyPlace = keyNode.mark.map(Place.init) ?? .start
            guard case .scalar(let scalar) = keyNode else {
                faults.add(keyPlace, "a list or section stands where a key should", expected: "a word and a colon")
                continue
            }
            let key = originalKey(scalar, keyPlace)
            if let first = places[key] {
                faults.add(
                    keyPlace, "the key `\(YAMLNode.short(key))` stands twice, first in line \(first.line)",
                    expected: "each key once")
                continue
            }
            places[key] = keyPlace
            entries.append(YAMLEntry(key: key, keyPlace: keyPlace, value: convert(valueNode)))
        }
        return entries
    }

    private func originalKey(_ scalar: Node.Scalar, _ place: Place) -> String {
        let quoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
        let first = quoted ? Place(line: place.line, column: place.column + 1) : place
        guard let original = hidden[first] else { return TextScan.restored(scalar.string) }
        var view = String.UnicodeScalarView()
        view.append(original)
        view.append(contentsOf: scalar.string.unicodeScalars.dropFirst())
        return TextScan.restored(String(view))
    }

    private mutating func explain(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = Place(mark)
            let begun = context.map { " (\($0.text), begun in line \($0.mark.line))" } ?? ""
            faults.add(place, "the YAML is broken: \(problem)\(begun)", expected: hint(problem, place))
        case .reader(let problem, _, _, _):
            faults.add(.start, "the \(noun) cannot be read: \(problem)", expected: "text in UTF-8")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded, .duplicatedKeysInMapping:
            faults.add(.start, "the \(noun) is no YAML")
        }
    }

    private func hint(_ problem: String, _ place: Place) -> String? {
        if let index = scan.index(of: place), scan.scalars[index] == "\t" { return "spaces for indentation, not a tab" }
        if problem.contains("another document") { return "one document: no line `---` between keys" }
        if problem.contains("mapping values") {
            return "text that contains `: ` in quotes, and keys of one section aligned"
        }
        if problem.contains("expected key") || problem.contains("block end") {
            return "keys of one section in one column"
        }
        if problem.contains("simple key") || problem.contains("expected ':'") {
            return "a colon and a space after a key"
        }
        return nil
    }
}

extension Place {
    /// Yams counts lines and columns from 1.
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}
