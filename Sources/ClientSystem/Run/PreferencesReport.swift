import ClientCore
import Domain
import FoundationEssentials
import Preferences

/// What `millrace-client prefs` shows.
public struct PreferencesReport: Sendable {
    private let effective: EffectivePreferences
    private let path: String
    private let usesCopy: Bool
    /// Every fault of the file; empty: it is in force, or there is none.
    public let problems: [String]

    /// - Parameter folder: the client's.
    /// - Parameter path: the file; nil: the one in the folder.
    public init(folder: String, path: String?) throws(Fault) {
        // A running client has them from its command line.
        var options: [PreferenceOption] = []
        if let status = try? DataDirectory.status(in: folder), status.running {
            options = (status.preferenceOptions ?? []).map(\.preference)
        }
        self.init(try PreferencesFile(folder: folder, path: path, options: options, keepsCopy: false))
    }

    init(_ file: PreferencesFile) {
        effective = file.effective
        self.path = file.path
        usesCopy = file.usesCopy
        problems = file.problems
    }

    /// A line for each field: its path, its value, where that came from.
    public var lines: [String] {
        let rows = rows
        let (first, second) = (rows.map(\.path.count).max() ?? 0, rows.map(\.value.count).max() ?? 0)
        return rows.map { path, text, origin in
            "\(padded(path, first))  \(padded(text, min(second, 24)))  \(origin)"
        }
    }

    /// The field's path, its value as it would be written, where that came from.
    package var rows: [(path: String, value: String, origin: String)] {
        effective.entries.map { ($0.key.path, $0.text, origin($0.origin)) }
    }

    private struct Row: Encodable {
        var field: String
        var value: String
        var from: String
        var line: Int?
        var name: String
    }

    private struct Document: Encodable {
        var file: String
        var usesLastGoodCopy: Bool
        var problems: [String]
        var preferences: [Row]
    }

    /// `file`, `usesLastGoodCopy`, `problems`, and for each field `field`, `value` as it would be written, `from`
    /// (`preset`, `file`, `option`), `name` of that, `line`.
    public func json() throws(Fault) -> String {
        let rows = effective.entries.map { entry in
            var row = Row(field: entry.key.path, value: entry.text, from: "file", line: nil, name: path)
            switch entry.origin {
            case .preset(let preset): (row.from, row.name) = ("preset", preset.rawValue)
            case .file(let line): row.line = line
            case .option(let option): (row.from, row.name) = ("option", option)
            }
            return row
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let document = Document(file: path, usesLastGoodCopy: usesCopy, problems: problems, preferences: rows)
        guard let bytes = try? encoder.encode(document) else {
            throw Fault(.software, "the preferences cannot be encoded")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func origin(_ origin: PreferenceOrigin) -> String {
        switch origin {
        case .preset(let preset): "preset \(preset.rawValue)"
        case .file(let line): usesCopy ? "the last good file, line \(line)" : "\(path):\(line)"
        case .option(let option): "option \(option) of the running client"
        }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
