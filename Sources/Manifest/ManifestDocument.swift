import Domain

/// The table of keys as Markdown: `docs/manifest.md` holds it, and a test compares the two.
public enum ManifestDocument {
    /// The lines between which the table stands in the document.
    public static let begin = "<!-- table of keys: begin; written by the table in Sources/Manifest -->"
    public static let end = "<!-- table of keys: end -->"

    public static var table: String {
        var lines = [
            "| Key | Holds | Unit | Default | Range | Meaning |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for key in ManifestKeys.all {
            let cells = [
                "`\(key.path)`", key.kind.type, key.kind.unit, key.presence.text, key.kind.range, key.description,
            ]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Presence {
    /// For the table.
    var text: String {
        switch self {
        case .required: "required"
        case .standard(let text): "`\(text)`"
        case .otherwise(let text): text
        }
    }
}

extension ParameterValue {
    /// As it would be written in a manifest.
    public var manifestText: String {
        switch self {
        case .integer(let value): "\(value)"
        case .real(let value): Self.text(value)
        case .text(let text): ManifestTemplate.quoted(text)
        case .reals(let values): "[" + values.map(Self.text).joined(separator: ", ") + "]"
        }
    }

    /// The shortest text that reads back as the same number; whole numbers without `.0`.
    private static func text(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
