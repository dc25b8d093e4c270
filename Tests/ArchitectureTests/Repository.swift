import Foundation

/// The repository as text.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct SourceFile {
        /// From the root, for messages.
        let path: String
        /// The folder under `Sources` or `Tests`.
        let module: String
        let lines: [String]
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Swift files under a folder that we wrote, in order of path.
    static func swiftFiles(under folder: String) throws -> [SourceFile] {
        let base = root.appending(path: folder)
        let names = try FileManager.default.subpathsOfDirectory(atPath: base.path).sorted()
        return try names.filter { $0.hasSuffix(".swift") && !$0.contains("/Generated/") && !$0.contains(".build") }
            .map { name in
                SourceFile(
                    path: "\(folder)/\(name)", module: String(name.split(separator: "/")[0]),
                    lines: try text("\(folder)/\(name)").components(separatedBy: "\n"))
            }
    }

    static func folders(under folder: String) throws -> [String] {
        let base = root.appending(path: folder)
        return try FileManager.default.contentsOfDirectory(atPath: base.path).sorted().filter {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: base.appending(path: $0).path, isDirectory: &isFolder)
            return exists && isFolder.boolValue
        }
    }

    /// Documents that we wrote.
    static func documents() throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path).sorted()
        return names.filter { name in
            name.hasSuffix(".md") && !name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "demo-data" }
        }
    }
}

/// The module table of ARCHITECTURE.md: layer and allowed imports of each module.
struct ModuleTable {
    struct Row {
        let layer: Int
        let imports: Set<String>
    }

    let rows: [String: Row]

    init(markdown: String) throws {
        var rows: [String: Row] = [:]
        for line in markdown.components(separatedBy: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, let layer = Int(cells[0]) else { continue }
            let imports = cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            for module in cells[1].split(separator: " ") {
                rows[module.trimmingCharacters(in: CharacterSet(charactersIn: "`"))] = Row(
                    layer: layer, imports: Set(imports.filter { $0 != "nothing" }))
            }
        }
        self.rows = rows
    }
}

/// The module that an import line names, or nil for other lines.
func importedModule(_ line: String) -> String? {
    var words = line.split(separator: " ").map(String.init)
    while let first = words.first, first.hasPrefix("@") || ["public", "internal", "package", "private"].contains(first)
    {
        words.removeFirst()
    }
    guard words.first == "import", words.count >= 2 else { return nil }
    let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
    return name.split(separator: ".").first.map(String.init)
}
