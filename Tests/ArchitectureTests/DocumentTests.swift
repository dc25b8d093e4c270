import Foundation
import Testing

@Suite("Documents")
struct DocumentTests {
    @Test("Every module has a short README")
    func moduleReadmes() throws {
        for (module, row) in try ModuleTable(markdown: Repository.text("ARCHITECTURE.md")).rows where row.layer > 0 {
            let text = try Repository.text("Sources/\(module)/README.md")
            #expect(text.components(separatedBy: "\n").count <= 40, "Sources/\(module)/README.md is long")
        }
    }

    @Test("Every relative link in a document leads somewhere")
    func links() throws {
        var links = 0
        for document in try Repository.documents() {
            let folder = (document as NSString).deletingLastPathComponent
            let text = try Repository.text(document)
            for match in text.matches(of: /\]\(([^)#\s]+)(#[^)]*)?\)/) {
                let target = String(match.1)
                guard !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                links += 1
                let path = Repository.root.appending(path: folder).appending(path: target).standardized.path
                #expect(FileManager.default.fileExists(atPath: path), "\(document) links to \(target)")
            }
        }
        #expect(links > 10)
    }

    @Test("Every app of the catalogue and every project folder is named in the README")
    func projectsAreNamed() throws {
        let readme = try Repository.text("README.md")
        for project in try Repository.folders(under: "projects") {
            #expect(readme.contains(project), "README.md does not name projects/\(project)")
        }
    }

    @Test("The change log has an entry")
    func changeLog() throws {
        #expect(try Repository.text("CHANGELOG.md").contains("\n## "))
    }
}
