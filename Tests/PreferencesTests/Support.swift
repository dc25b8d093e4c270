import Domain
import Foundation
import Preferences

/// Short ways for tests.
enum Text {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func written(_ text: String) -> WrittenPreferences? {
        if case .success(let written) = PreferencesParser.parse(text, file: "p.yaml") { return written }
        return nil
    }

    static func faults(_ text: String) -> [TextFault] {
        if case .faults(let faults) = PreferencesParser.parse(text, file: "p.yaml") { return faults }
        return []
    }

    static func effective(_ text: String, _ options: [PreferenceOption] = []) throws -> EffectivePreferences? {
        guard let written = written(text) else { return nil }
        return try EffectivePreferences(written: written, options: options)
    }

    /// A file with this one field.
    static func file(_ path: String, _ value: String) -> String {
        let parts = path.split(separator: ".")
        return parts.count == 2 ? "\(parts[0]):\n  \(parts[1]): \(value)\n" : "\(path): \(value)\n"
    }
}
