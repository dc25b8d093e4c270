import Domain
import Mustache

/// The templates and the style of the pages: those of the program, or those of a folder that replaces some of them.
public struct WebFolder: Sendable {
    private let library: MustacheLibrary
    let style: String
    private static let fileBytesMax = 1 << 20

    /// - Parameter folder: as `--web` names it; files that are not there are taken from the program.
    /// - Throws: `Fault` of kind `.configuration` for a template that cannot be read or parsed.
    public init(folder: String?) throws {
        var library = MustacheLibrary()
        var style = ""
        for (name, embedded) in EmbeddedWeb.files.sorted(by: { $0.key < $1.key }) {
            var text = embedded
            if let folder, let bytes = try FileAccess.read("\(folder)/\(name)", limit: WebFolder.fileBytesMax) {
                text = String(decoding: bytes, as: UTF8.self)
            }
            if name.hasSuffix(".css") {
                style += text
                continue
            }
            do {
                try library.register(text, named: String(name.dropLast(".mustache".count)))
            } catch {
                let place = folder.map { "\($0)/\(name)" } ?? name
                throw Fault(.configuration, "\(place) is not a mustache template: \(error)")
            }
        }
        self.library = library
        self.style = style
    }

    /// - Parameter page: a value whose properties are the names that the template uses.
    func render(_ template: String, _ page: Any) throws -> String {
        guard let text = library.render(page, withTemplate: template) else {
            throw Fault(.configuration, "there is no template \(template)")
        }
        return text
    }
}
