import Domain
import YAMLText

/// What was read of one section.
struct SectionValues {
    /// Where the section stands, for what is missing in it.
    var place: Place
    var values: [String: KeyValue] = [:]
    /// Where the values stand.
    var places: [String: Place] = [:]
    var sections: [String: SectionValues] = [:]
    var lists: [String: [SectionValues]] = [:]
    /// The app's parameters, read later by the app's schema.
    var parameters: [YAMLEntry] = []
    /// Keys that are there and wrong: what depends on them is not judged.
    var broken: Set<String> = []

    func place(of key: String) -> Place { places[key] ?? place }
}

/// Reads a section by the table of keys.
struct SectionReader {
    let values: ValueReader
    var faults: FaultList

    /// - Parameter path: `` for the whole manifest, `replication`, or `inputs[]`.
    mutating func read(_ entries: [YAMLEntry], path: String, place: Place) -> SectionValues {
        let keys = ManifestKeys.children(of: path)
        let given = Set(entries.map(\.key))
        var section = SectionValues(place: place)
        for entry in entries {
            guard let key = keys.first(where: { $0.leaf == entry.key }) else {
                // A misspelt word is read as what it probably means, so that its value is checked in the same run.
                let meant = unknown(entry, in: path, keys)
                if let meant, !given.contains(meant.leaf), section.places[meant.leaf] == nil {
                    read(entry, meant, &section)
                }
                continue
            }
            read(entry, key, &section)
        }
        for key in keys where key.presence == .required && section.places[key.leaf] == nil {
            missing(key, place)
        }
        return section
    }

    private mutating func read(_ entry: YAMLEntry, _ key: ManifestKey, _ section: inout SectionValues) {
        let leaf = key.leaf
        section.places[leaf] = entry.value.isEmpty ? entry.keyPlace : entry.value.place
        switch key.kind {
        case .section:
            section.places[leaf] = entry.keyPlace
            guard let entries = entries(of: entry, key) else { return section.broken.formUnion([leaf]) }
            section.sections[leaf] = read(entries, path: key.path, place: entry.keyPlace)
        case .parameters:
            section.places[leaf] = entry.keyPlace
            guard let entries = entries(of: entry, key) else { return section.broken.formUnion([leaf]) }
            section.parameters = entries
        case .list:
            section.places[leaf] = entry.keyPlace
            guard let list = list(of: entry, key) else { return section.broken.formUnion([leaf]) }
            section.lists[leaf] = list
        default:
            do throws(ValueFault) {
                section.values[leaf] = try values.read(entry.value, as: key.kind)
            } catch {
                section.broken.insert(leaf)
                let place = error.place ?? (entry.value.isEmpty ? entry.keyPlace : entry.value.place)
                faults.add(
                    place, "`\(key.path)`: \(error.message)", expected: error.expected, suggestion: error.suggestion)
            }
        }
    }

    /// A section without keys is an empty one: what it must have is then missing.
    private mutating func entries(of entry: YAMLEntry, _ key: ManifestKey) -> [YAMLEntry]? {
        if case .mapping(let entries) = entry.value.value { return entries }
        if entry.value.isEmpty { return [] }
        faults.add(
            entry.value.place, "`\(key.path)`: \(entry.value.found) stands here",
            expected: key.kind.expected(values.apps))
        return nil
    }

    private mutating func list(of entry: YAMLEntry, _ key: ManifestKey) -> [SectionValues]? {
        if entry.value.isEmpty { return [] }
        guard case .sequence(let nodes) = entry.value.value else {
            faults.add(
                entry.value.place, "`\(key.path)`: \(entry.value.found) stands here",
                expected: key.kind.expected(values.apps))
            return nil
        }
        guard nodes.count <= Limits.inputsPerProjectMax else {
            faults.add(
                entry.keyPlace, "`\(key.path)` has \(nodes.count) elements",
                expected: "at most \(Limits.inputsPerProjectMax)")
            return nil
        }
        var sections: [SectionValues] = []
        for node in nodes {
            guard case .mapping(let entries) = node.value else {
                let keys = ManifestKeys.children(of: key.path + "[]").map(\.leaf).joined(separator: ", ")
                faults.add(
                    node.place, "`\(key.path)`: \(node.found) stands here", expected: "an element with the keys \(keys)"
                )
                continue
            }
            sections.append(read(entries, path: key.path + "[]", place: node.place))
        }
        return sections
    }

    /// Reports an unknown key. - Returns: the key of this section that was probably meant.
    private mutating func unknown(_ entry: YAMLEntry, in path: String, _ keys: [ManifestKey]) -> ManifestKey? {
        let nearest = Nearest.word(to: entry.key, in: keys.map(\.leaf))
        let elsewhere = ManifestKeys.all.first { $0.leaf == entry.key }?.path
        let here = path.isEmpty ? "at the top level" : "in `\(path)`"
        faults.add(
            entry.keyPlace, "unknown key `\(YAMLNode.short(entry.key))` \(here)",
            expected: "one of " + keys.map(\.leaf).joined(separator: ", "), suggestion: elsewhere ?? nearest)
        guard elsewhere == nil else { return nil }
        return keys.first { $0.leaf == nearest }
    }

    private mutating func missing(_ key: ManifestKey, _ place: Place) {
        var expected = key.kind.expected(values.apps)
        if key.kind == .section {
            let required = ManifestKeys.children(of: key.path).filter { $0.presence == .required }
            expected = "a section with " + required.map { "`\($0.leaf)`" }.joined(separator: ", ")
        }
        faults.add(place, "the required key `\(key.path)` is missing", expected: expected)
    }
}
