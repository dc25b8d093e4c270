import CPosix
import Domain
import FoundationEssentials
import Glibc
import Wire
import WorkerHost

/// What a site says of its scientists' projects: the file `about.json` in the project's folder. It only informs; what
/// is damaged is fetched anew.
package struct AboutFile: Sendable {
    package struct Project: Hashable, Sendable, Codable {
        package var name: String
        package var title: String
        package var area: String

        package init(name: String, title: String, area: String) {
            self.name = name
            self.title = title
            self.area = area
        }
    }

    package static let projectsMax = 200
    private static let lettersMax = 200
    private static let oldSeconds = 86_400
    private let path: String

    package init(folder: String) {
        path = "\(folder)/about.json"
    }

    package func read() -> [Project] {
        guard let bytes = try? Files.read(path, limit: 1 << 20),
            let projects = try? JSONDecoder().decode([Project].self, from: Data(bytes))
        else { return [] }
        return projects
    }

    package func write(_ info: WireProjectInfo) throws(Fault) {
        let projects = info.projects.prefix(Self.projectsMax).map {
            Project(name: Self.line($0.name), title: Self.line($0.title), area: Self.line($0.scienceArea))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(Array(projects)) else { return }
        try Files.replace(path, with: [UInt8](bytes) + [UInt8(ascii: "\n")], mode: 0o600, durable: false)
    }

    /// Whether it is time to ask the site again.
    package var isOld: Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return abs(time(nil) - status.st_mtim.tv_sec) > Self.oldSeconds
    }

    private static func line(_ text: String) -> String {
        PrintableText.clean(String(String.UnicodeScalarView(text.unicodeScalars.prefix(lettersMax))))
    }
}
