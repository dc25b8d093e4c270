import Domain
import YAMLText

/// What reading a file gives.
public enum PreferencesOutcome: Hashable, Sendable {
    case success(WrittenPreferences)
    /// At least one, in the order of the text.
    case faults([TextFault])
}

/// Reads `preferences.yaml`.
public enum PreferencesParser {
    public static let bytesMax = 64 << 10

    /// - Parameter file: its name in messages.
    /// - Returns: what the file says, or every fault at once, each with its place. A text without any field is right:
    ///   the preset `standard` holds.
    public static func parse(_ text: String, file: String) -> PreferencesOutcome {
        guard !isBlank(text) else { return .success(WrittenPreferences()) }
        var faults = FaultList(file: file)
        guard
            let root = YAMLReader.read(
                text, noun: "file of preferences", bytesMax: bytesMax, example: "preset: standard", &faults)
        else { return .faults(FaultList.sorted(faults.faults)) }
        guard case .mapping(let entries) = root.value else {
            faults.add(root.place, "\(root.found) stands here", expected: "keys such as `preset: standard`")
            return .faults(FaultList.sorted(faults.faults))
        }
        var reader = FieldReader(faults: faults)
        for entry in entries { reader.readTop(entry, given: Set(entries.map(\.key))) }
        reader.checkTogether()
        guard reader.faults.faults.isEmpty else { return .faults(FaultList.sorted(reader.faults.faults)) }
        return .success(reader.written)
    }

    /// Whether there is nothing but comments.
    private static func isBlank(_ text: String) -> Bool {
        guard text.utf8.count <= bytesMax else { return false }
        return text.split(whereSeparator: \.isNewline).allSatisfy { line in
            let start = line.drop { $0 == " " }
            return start.isEmpty || start.first == "#"
        }
    }
}

/// Collects the fields of a text.
private struct FieldReader {
    var faults: FaultList
    var written = WrittenPreferences()
    private var places: [String: Place] = [:]

    init(faults: FaultList) {
        self.faults = faults
    }

    mutating func readTop(_ entry: YAMLEntry, given: Set<String>) {
        let top = PreferenceKeys.children(of: "").map(\.path)
        let sections = PreferenceKeys.sections.map(\.name)
        var name = entry.key
        if !(top + sections).contains(name) {
            let nearest = Nearest.word(to: name, in: sections + top)
            let elsewhere = PreferenceKeys.all.filter { $0.leaf == entry.key }.map { "\($0.path)" }
            faults.add(
                entry.keyPlace, "unknown field `\(YAMLNode.short(name))`",
                expected: "one of " + (top + sections).joined(separator: ", "),
                suggestion: elsewhere.isEmpty ? nearest : elsewhere.joined(separator: " or "))
            // A misspelt word is read as what it probably means, so that its values are checked in the same run.
            guard elsewhere.isEmpty, let nearest, !given.contains(nearest) else { return }
            name = nearest
        }
        guard sections.contains(name) else {
            if let key = PreferenceKeys.key(name) { read(entry, key) }
            return
        }
        if entry.value.isEmpty { return }
        guard case .mapping(let entries) = entry.value.value else {
            faults.add(
                entry.value.place, "`\(name)`: \(entry.value.found) stands here",
                expected: "fields below it, indented, such as "
                    + PreferenceKeys.children(of: name).prefix(2).map { "`\($0.leaf)`" }.joined(separator: " and "))
            return
        }
        for entry in entries { read(entry, section: name, given: Set(entries.map(\.key))) }
    }

    private mutating func read(_ entry: YAMLEntry, section: String, given: Set<String>) {
        let keys = PreferenceKeys.children(of: section)
        if let key = keys.first(where: { $0.leaf == entry.key }) { return read(entry, key) }
        let nearest = Nearest.word(to: entry.key, in: keys.map(\.leaf))
        let elsewhere = PreferenceKeys.all.first { $0.leaf == entry.key }?.path
        faults.add(
            entry.keyPlace, "unknown field `\(YAMLNode.short(entry.key))` in `\(section)`",
            expected: "one of " + keys.map(\.leaf).joined(separator: ", "), suggestion: elsewhere ?? nearest)
        guard elsewhere == nil, let nearest, !given.contains(nearest),
            let key = keys.first(where: { $0.leaf == nearest })
        else { return }
        read(entry, key)
    }

    private mutating func read(_ entry: YAMLEntry, _ key: PreferenceKey) {
        places[key.path] = entry.value.isEmpty ? entry.keyPlace : entry.value.place
        do throws(ValueFault) {
            written.entries[key.path] = WrittenPreferences.Entry(
                value: try PreferenceReader().read(entry.value, as: key.kind), line: entry.keyPlace.line)
        } catch {
            let place = error.place ?? (entry.value.isEmpty ? entry.keyPlace : entry.value.place)
            faults.add(
                place, "`\(key.path)`: \(error.message)", expected: error.expected, suggestion: error.suggestion)
        }
    }

    /// What fields say together.
    mutating func checkTogether() {
        guard case .path(_?)? = written.entries["permission.file"]?.value,
            case .command(let command)? = written.entries["permission.command"]?.value, !command.isEmpty
        else { return }
        faults.add(
            places["permission.command"] ?? .start, "`permission.command` beside `permission.file`",
            expected: "one of the two")
    }
}
