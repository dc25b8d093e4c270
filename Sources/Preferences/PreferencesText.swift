/// The table of fields as Markdown: `docs/preferences.md` holds it, and a test compares the two.
public enum PreferencesDocument {
    /// The lines between which the table stands in the document.
    public static let begin = "<!-- table of fields: begin; written by the table in Sources/Preferences -->"
    public static let end = "<!-- table of fields: end -->"

    public static var table: String {
        var lines = [
            "| Field | Holds | Unit | Range | quiet | standard | maximum | Meaning |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for key in PreferenceKeys.all {
            let presets = Preset.allCases.map { "`\(key.text(in: $0))`" }
            let cells = ["`\(key.path)`", key.kind.type, key.kind.unit, key.kind.range] + presets + [key.description]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The file to begin from: every field with its meaning, its unit, its range and its value in the preset `standard`.
public enum PreferencesExample {
    /// What stands before a field that is not in force; prose has a space after the `#`.
    public static let mark = "#"

    /// All fields but `preset` are commented out, or they would overrule the preset that somebody chooses.
    public static var text: String {
        var lines = [
            "# What Millrace may do on this computer. Every field: docs/preferences.md.",
            "# A running client sees a change of this file within seconds; `millrace-client prefs` shows what holds.",
            "# To change a field, remove the first `#` of its line and of its section's line.", "",
            "# quiet, standard or maximum: the values of all fields below that stay commented out.",
            "preset: standard",
        ]
        for (section, description) in PreferenceKeys.sections {
            lines += ["", "# \(description)", "\(mark)\(section):"]
            for key in PreferenceKeys.children(of: section) { lines += field(key, indent: "  ") }
        }
        for key in PreferenceKeys.children(of: "") where key.path != "preset" { lines += [""] + field(key, indent: "") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func field(_ key: PreferenceKey, indent: String) -> [String] {
        let facts = [key.kind.type, key.kind.range].filter { !$0.isEmpty }.joined(separator: "; ")
        return [
            "#   \(key.description) (\(facts))", "\(mark)\(indent)\(key.leaf): \(key.text(in: .standard))",
        ]
    }
}
