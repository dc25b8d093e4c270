/// Text to `YAMLNode`, by libyaml. Anchors, aliases, tags, repeated keys and more than one document are faults.
package struct YAMLReader {
    /// Repeated keys that are told one by one.
    private static let repeatedKeysMax = 20

    private let scan: TextScan
    private var faults: FaultList
    private let noun: String
    private let example: String
    private var repeatedKeys = 0

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
        let before = faults
        do throws(YAMLTrouble) {
            let events = try YAMLEvents(scan.text)
            guard let root = try document(events) else {
                faults.add(.start, "the \(noun) is empty", expected: "keys such as `\(example)`")
                return nil
            }
            guard repeatedKeys <= Self.repeatedKeysMax else {
                faults = before
                faults.add(.start, "more than \(Self.repeatedKeysMax) keys are repeated")
                return nil
            }
            return root
        } catch {
            // What was said of a part of the text may not hold once the rest can be read.
            faults = before
            explain(error)
            return nil
        }
    }

    /// The one document of the text; nil when there is none.
    private mutating func document(_ events: YAMLEvents) throws(YAMLTrouble) -> YAMLNode? {
        _ = try events.next()
        guard case .documentStart = try events.next().kind else { return nil }
        let root = try node(try events.next(), events)
        _ = try events.next()
        let behind = try events.next()
        guard case .streamEnd = behind.kind else {
            throw YAMLTrouble(
                kind: .broken, problem: "but found another document", place: behind.place,
                context: ("expected a single document in the stream", .start))
        }
        return root
    }

    /// The node that begins with an event. `TextScan` bounds how deep nodes are nested.
    private mutating func node(_ event: YAMLEvent, _ events: YAMLEvents) throws(YAMLTrouble) -> YAMLNode {
        if event.hasAnchor {
            faults.add(event.place, "an anchor (`&`) stands here", expected: "the value itself: anchors are not used")
        }
        switch event.kind {
        case .scalar(let text, let isPlain):
            if isPlain, text.unicodeScalars.first == TextScan.hiddenStar {
                faults.settle(
                    event.place, "an alias (`*`) stands here",
                    expected: "the value itself, or text in quotes: aliases are not used")
            }
            refuseTag(event, "tag:yaml.org,2002:str")
            return YAMLNode(place: event.place, value: .scalar(TextScan.restored(text), quoted: !isPlain))
        case .sequenceStart:
            refuseTag(event, "tag:yaml.org,2002:seq")
            var elements: [YAMLNode] = []
            while true {
                let element = try events.next()
                if case .sequenceEnd = element.kind { break }
                elements.append(try node(element, events))
            }
            return YAMLNode(place: event.place, value: .sequence(elements))
        case .mappingStart:
            refuseTag(event, "tag:yaml.org,2002:map")
            return YAMLNode(place: event.place, value: .mapping(try entries(events)))
        // Stars are hidden, so there are no aliases; and libyaml lets no other event stand where a node must.
        case .alias, .sequenceEnd, .mappingEnd, .documentStart, .documentEnd, .streamStart, .streamEnd:
            return YAMLNode(place: event.place, value: .scalar("", quoted: false))
        }
    }

    private mutating func refuseTag(_ event: YAMLEvent, _ usual: String) {
        guard let tag = event.tag, tag != usual else { return }
        faults.add(event.place, "the tag `\(YAMLNode.short(tag))` stands here", expected: "the value without a tag")
    }

    private mutating func entries(_ events: YAMLEvents) throws(YAMLTrouble) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var places: [String: Place] = [:]
        while true {
            let keyEvent = try events.next()
            if case .mappingEnd = keyEvent.kind { return entries }
            let keyNode = try node(keyEvent, events)
            let value = try node(try events.next(), events)
            guard case .scalar(let key, _) = keyNode.value else {
                faults.add(
                    keyNode.place, "a list or section stands where a key should", expected: "a word and a colon")
                continue
            }
            if let first = places[key] {
                repeatedKeys += 1
                faults.add(
                    keyNode.place, "the key `\(YAMLNode.short(key))` stands twice, first in line \(first.line)",
                    expected: "each key once")
                continue
            }
            places[key] = keyNode.place
            entries.append(YAMLEntry(key: key, keyPlace: keyNode.place, value: value))
        }
    }

    private mutating func explain(_ trouble: YAMLTrouble) {
        switch trouble.kind {
        case .broken:
            let begun = trouble.context.map { " (\($0.text), begun in line \($0.place.line))" } ?? ""
            faults.add(
                trouble.place, "the YAML is broken: \(trouble.problem)\(begun)",
                expected: hint(trouble.problem, trouble.place))
        case .unreadable:
            faults.add(.start, "the \(noun) cannot be read: \(trouble.problem)", expected: "text in UTF-8")
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
