import CYaml

/// What libyaml found next in a text.
struct YAMLEvent {
    enum Kind {
        case scalar(String, isPlain: Bool)
        case alias
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
        case documentStart
        case documentEnd
        case streamStart
        case streamEnd
    }

    var kind: Kind
    var place: Place
    /// As it was written, resolved by `%TAG` lines; nil: none, or `!`.
    var tag: String?
    var hasAnchor = false
}

/// Why a text is no YAML.
struct YAMLTrouble: Error {
    /// Not nested as libyaml wants it, or no text in UTF-8.
    enum Kind { case broken, unreadable }

    var kind: Kind
    var problem: String
    var place: Place
    /// What was being read, and where that began.
    var context: (text: String, place: Place)?
}

/// The events of a text, by libyaml (YAML 1.1). Nothing is expanded: an alias is an event.
final class YAMLEvents {
    /// libyaml keeps pointers to both.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// - Throws: when there is no memory.
    init(_ source: String) throws(YAMLTrouble) {
        text = .allocate(capacity: source.utf8.count)
        _ = text.initialize(from: source.utf8)
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            text.deallocate()
            throw YAMLTrouble(kind: .unreadable, problem: "no memory", place: .start)
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// - Throws: where the text is no YAML; nothing follows that.
    func next() throws(YAMLTrouble) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw trouble() }
        defer { yaml_event_delete(&event) }
        let place = Place(event.start_mark)
        let data = event.data
        switch event.type {
        case YAML_SCALAR_EVENT:
            let bytes = UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
            return YAMLEvent(
                kind: .scalar(
                    String(decoding: bytes, as: UTF8.self), isPlain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE),
                place: place, tag: Self.word(data.scalar.tag), hasAnchor: data.scalar.anchor != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = data.sequence_start
            return YAMLEvent(
                kind: .sequenceStart, place: place, tag: Self.word(start.tag), hasAnchor: start.anchor != nil)
        case YAML_MAPPING_START_EVENT:
            let start = data.mapping_start
            return YAMLEvent(
                kind: .mappingStart, place: place, tag: Self.word(start.tag), hasAnchor: start.anchor != nil)
        case YAML_ALIAS_EVENT: return YAMLEvent(kind: .alias, place: place)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .sequenceEnd, place: place)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mappingEnd, place: place)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, place: place)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, place: place)
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, place: place)
        // libyaml has no other kinds; behind the end it says "no event" for ever.
        default: return YAMLEvent(kind: .streamEnd, place: place)
        }
    }

    private static func word(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    private func trouble() -> YAMLTrouble {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no memory"
        let isBroken = parser.pointee.error == YAML_SCANNER_ERROR || parser.pointee.error == YAML_PARSER_ERROR
        return YAMLTrouble(
            kind: isBroken ? .broken : .unreadable, problem: problem, place: Place(parser.pointee.problem_mark),
            context: parser.pointee.context.map {
                (String(cString: $0), Place(parser.pointee.context_mark))
            })
    }
}

extension Place {
    /// libyaml counts lines and columns, in characters, from 0.
    init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}
