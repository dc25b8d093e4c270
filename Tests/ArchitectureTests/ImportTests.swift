import Foundation
import Testing

@Suite("Modules import only what ARCHITECTURE.md allows")
struct ImportTests {
    let table: ModuleTable

    init() throws {
        table = try ModuleTable(markdown: Repository.text("ARCHITECTURE.md"))
    }

    @Test("The table names exactly the folders of Sources")
    func tableIsComplete() throws {
        #expect(Set(table.rows.keys) == Set(try Repository.folders(under: "Sources")))
    }

    @Test("Every import line is allowed by the table")
    func importsAreAllowed() throws {
        var seen = 0
        for file in try Repository.swiftFiles(under: "Sources") {
            let row = try #require(table.rows[file.module], "\(file.path) is in no module of the table")
            for (number, line) in file.lines.enumerated() {
                guard let name = importedModule(line) else { continue }
                seen += 1
                #expect(row.imports.contains(name), "\(file.path):\(number + 1) may not import \(name)")
            }
        }
        #expect(seen > 100)
    }

    @Test("No module imports one of a higher layer")
    func layersPointDown() {
        for (module, row) in table.rows {
            for name in row.imports {
                guard let other = table.rows[name] else { continue }
                #expect(other.layer <= row.layer, "\(module) (layer \(row.layer)) imports \(name)")
            }
        }
    }

    @Test("Only the worker links the apps and the numeric libraries")
    func onlyTheWorkerLinksApps() throws {
        let allowed: Set = ["millrace-worker", "Apps"]
        for (module, row) in table.rows where row.imports.contains("Apps") || row.imports.contains("Compute") {
            #expect(allowed.contains(module), "\(module) would link FFTW")
        }
    }

    @Test("The parser of import lines sees through attributes, access levels and kinds")
    func importLines() {
        #expect(importedModule("import Foundation") == "Foundation")
        #expect(importedModule("@preconcurrency public import Domain") == "Domain")
        #expect(importedModule("import struct Foundation.URL") == "Foundation")
        #expect(importedModule("    let important = 1") == nil)
        #expect(importedModule("// import Nothing") == nil)
    }
}
