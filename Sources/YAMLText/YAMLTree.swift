/// A node of a YAML text, with the place where it begins.
package struct YAMLNode: Hashable, Sendable {
    package var place: Place
    package var value: YAMLValue

    package init(place: Place, value: YAMLValue) {
        self.place = place
        self.value = value
    }
}

/// What a node holds. Scalars stay text: each key knows what it wants to be read as.
package indirect enum YAMLValue: Hashable, Sendable {
    /// `quoted` is true for text in quotes and for `|` and `>` blocks.
    case scalar(String, quoted: Bool)
    case mapping([YAMLEntry])
    case sequence([YAMLNode])
}

/// A key with its value.
package struct YAMLEntry: Hashable, Sendable {
    package var key: String
    package var keyPlace: Place
    package var value: YAMLNode
}

extension YAMLNode {
    /// A key without a value, `~` or `null`.
    package var isEmpty: Bool {
        guard case .scalar(let text, quoted: false) = value else { return false }
        return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
    }

    /// What stands there, in a few words, for messages.
    package var found: String {
        switch value {
        case .scalar: isEmpty ? "nothing" : "`\(shortText)`"
        case .mapping: "a section with keys"
        case .sequence(let nodes): nodes.count == 1 ? "a list of one element" : "a list of \(nodes.count) elements"
        }
    }

    private var shortText: String {
        guard case .scalar(let text, _) = value else { return "" }
        return Self.short(text)
    }

    /// At most 40 characters on one line, nothing that moves a terminal's cursor.
    package static func short(_ text: String) -> String {
        let visible = text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) }
        return visible.count > 40 ? String(visible.prefix(37)) + "..." : String(visible)
    }
}
