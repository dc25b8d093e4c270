import Console
import Domain
import Foundation
import Testing

@Suite struct ProjectCommandTests {
    private func lint(_ path: String, json: Bool = false) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder()
        let code = CommandContext(screen: recorder, asJSON: json).run { (context) throws(Fault) in
            try LintCommand(path: path, catalogue: Sample.catalogue).run(context)
        }
        return (code, recorder)
    }

    @Test func aRightProjectHasNoFault() throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            for path in [folder.path, folder.path + "/", folder.path + "/project.yaml"] {
                let (code, screen) = lint(path)
                #expect(code == 0)
                #expect(screen.out.contains("no fault in project my-search\n"))
                #expect(screen.out.hasSuffix("every unit is computed 2 times\n"))
                #expect(screen.err == "")
            }
        }
    }

    @Test(arguments: [
        ("time_s,weight\n1,2\n3,x\n", "input/photons.csv:3:3: `x`"),
        ("time_s,weight\n1,2\n3\n", "input/photons.csv:3:1: 1 fields"),
        ("time_s,weight\n1,nan\n", "input/photons.csv:2:3: nan"), ("", "project.yaml:9:11: input `photons`"),
        ("time_s,wieght\n1,2\n", "input/photons.csv:1:1: there is no column `weight`; is it `wieght` for `weight`"),
        ("time_s,weight\n", "input/photons.csv:2:1: no rows"),
    ])
    func aBadTableIsAFaultOfItsLine(table: String, words: String) throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            try folder.write("input/photons.csv", table)
            let (code, screen) = lint(folder.path)
            #expect(code == 1)
            #expect(screen.out.contains(words), "\(screen.out)")
        }
    }

    @Test func everyFaultOfATableIsReported() throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            try folder.write("input/photons.csv", "time_s,weight\nx,y\n1,2\n3\n4,5,6\n\n7,nan\n")
            let (code, screen) = lint(folder.path, json: true)
            #expect(code == 1)
            let faults = try #require(try object(screen.out)["faults"] as? [[String: Any]])
            #expect(faults.allSatisfy { $0["file"] as? String == folder.path + "/input/photons.csv" })
            let places = faults.map { [$0["line"] as? Int, $0["column"] as? Int] }
            #expect(places == [[2, 1], [2, 3], [4, 1], [5, 5], [6, 1], [7, 3]])
            #expect(faults.allSatisfy { $0["expected"] is String })
            try folder.write("input/photons.csv", "time_s,weight\n" + String(repeating: "x,y\n", count: 500))
            #expect(lint(folder.path).screen.out.hasSuffix("\n20 faults\n"))
        }
    }

    @Test func faultsOfManifestAndFilesComeTogether() throws {
        try TemporaryFolder.with { (folder) throws in
            try folder.write("project.yaml", Sample.manifest.replacing("CC0-1.0", with: "CC0"))
            let (code, screen) = lint(folder.path, json: true)
            #expect(code == 1)
            let report = try object(screen.out)
            let faults = try #require(report["faults"] as? [[String: Any]])
            #expect(faults.map { $0["line"] as? Int } == [5, 9])
            #expect(faults.first?["suggestion"] as? String == "CC0-1.0")
            #expect(try DocumentTests.undocumented(screen.out) == [])
        }
    }

    @Test func pathsThatAreNotThereAreNamed() throws {
        try TemporaryFolder.with { (folder) throws in
            #expect(lint(folder.path + "/nowhere").code == 66)
            #expect(lint(folder.path + "/nowhere").screen.err.contains("there is no"))
            #expect(lint(folder.path).screen.err.contains("has no project.yaml"))
            try FileManager.default.createDirectory(
                atPath: folder.path + "/project.yaml", withIntermediateDirectories: true)
            #expect(lint(folder.path).code == 66)
        }
    }

    @Test func aManifestThatIsNoTextIsAFaultAtItsPlace() throws {
        try TemporaryFolder.with { (folder) throws in
            let path = folder.path + "/latin.yaml"
            try Data(Array("é: 1\nné".utf8) + [0xE9, 0x0A]).write(to: URL(filePath: path))
            let (code, screen) = lint(path)
            #expect(code == 1)
            #expect(screen.out.contains("latin.yaml:2:3: the manifest is no text in UTF-8"), "\(screen.out)")
            try folder.write("latin.yaml", "name: x\n#" + String(repeating: "x", count: 256 * 1024))
            let (large, words) = lint(path, json: true)
            #expect(large == 1)
            let faults = try #require(try object(words.out)["faults"] as? [[String: Any]])
            #expect(faults.map { $0["line"] as? Int } == [1])
            #expect((faults.first?["message"] as? String)?.contains("262153 bytes") == true)
            #expect(faults.first?["expected"] as? String == "at most 262144")
        }
    }

    @Test func ofManyFaultsTheFirstHundredAreShown() throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let keys = (0..<150).map { "zzz\($0): 1\n" }.joined()
            try folder.write("project.yaml", Sample.manifest + "\n" + keys)
            let text = lint(folder.path).screen.out
            #expect(text.hasSuffix("\n... and 50 more faults\n\n150 faults\n"), "\(text.suffix(200))")
            let report = try object(lint(folder.path, json: true).screen.out)
            #expect((report["faults"] as? [Any])?.count == 100)
            #expect(report["faults_total"] as? Int == 150)
        }
    }

    @Test func aLinkThatLeadsOutOfTheFolderIsAFault() throws {
        try TemporaryFolder.with { (folder) throws in
            try folder.write("secret.csv", Sample.table)
            try folder.write("inside/project.yaml", Sample.manifest)
            try folder.write("inside/here.csv", Sample.table)
            let link = folder.path + "/inside/input"
            try FileManager.default.createDirectory(atPath: link, withIntermediateDirectories: true)
            for (target, code) in [("../../secret.csv", 1), ("../here.csv", 0)] as [(String, Int32)] {
                try? FileManager.default.removeItem(atPath: link + "/photons.csv")
                try FileManager.default.createSymbolicLink(
                    atPath: link + "/photons.csv", withDestinationPath: target)
                let (found, screen) = lint(folder.path + "/inside")
                #expect(found == code, "\(screen.out)")
                #expect(screen.out.contains("leads outside the project's folder") == (code == 1))
            }
        }
    }

    @Test func aFolderAsInputIsAFault() throws {
        try TemporaryFolder.with { (folder) throws in
            try folder.write("project.yaml", Sample.manifest)
            try folder.write("input/photons.csv/file", "x")
            let (code, screen) = lint(folder.path)
            #expect(code == 1)
            #expect(screen.out.contains("is no file"))
        }
    }

    @Test func initWritesAManifestThatLintAcceptsAndNeverOverwrites() throws {
        try TemporaryFolder.with { (folder) throws in
            let path = folder.path + "/My New Search"
            func run(_ app: String?) -> (Int32, Recorder) {
                let recorder = Recorder()
                let context = CommandContext(screen: recorder, asJSON: false)
                let code = context.run { (context) throws(Fault) in
                    try InitCommand(folder: path, app: app, catalogue: Sample.catalogue).run(context)
                }
                return (code, recorder)
            }
            #expect(run(nil).0 == 64)
            let (unknown, screen) = run("line-serch")
            #expect(unknown == 64)
            #expect(screen.err.contains("did you mean line-search?"))
            let file = try folder.write("file", "x")
            for inTheWay in [file, file + "/below"] {
                let recorder = Recorder()
                let code = CommandContext(screen: recorder, asJSON: false).run { (context) throws(Fault) in
                    try InitCommand(folder: inTheWay, app: "line-search", catalogue: Sample.catalogue).run(context)
                }
                #expect(code == 73)
                #expect(recorder.err.contains("/file is there already, and is no folder"), "\(recorder.err)")
            }
            #expect(run("line-search").0 == 0)
            let manifest = try folder.text("My New Search/project.yaml")
            #expect(manifest.contains("name: my-new-search"))
            #expect(run("line-search").0 == 73)
            #expect(try folder.text("My New Search/project.yaml") == manifest)
            #expect(lint(path).screen.out.contains("there is no file"))
            try folder.write("My New Search/input/photons.csv", Sample.table)
            #expect(lint(path).code == 0)
        }
    }

    @Test func appsAreListedAndExplained() throws {
        func run(_ name: String?, json: Bool) -> (Int32, Recorder) {
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: json).run { (context) throws(Fault) in
                try AppsCommand(name: name, catalogue: Sample.catalogue).run(context)
            }
            return (code, recorder)
        }
        #expect(run(nil, json: false).1.out.contains("prime-count"))
        let text = run("line-search", json: false).1.out
        #expect(text.contains("width: real in Hz; 0.5 to 64; default 8"))
        #expect(text.contains("photons: table with the columns time_s, weight"))
        #expect(run("prime-cuont", json: false).0 == 64)
        let json = run(nil, json: true).1.out
        #expect((try object(json)["apps"] as? [Any])?.count == 2)
        #expect(try DocumentTests.undocumented(json) == [])
    }

    @Test func aDryRunWithoutAWorkerSaysSo() throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: false).run { (context) throws(Fault) in
                try DryRunCommand(path: folder.path, unit: 0, executable: folder.path + "/no-worker").run(context)
            }
            #expect(code != 0)
            #expect(recorder.err.contains("no-worker"))
        }
    }
}
