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
                #expect(screen.out.hasSuffix("no fault in project my-search\n"))
                #expect(screen.err == "")
            }
        }
    }

    @Test(arguments: [
        ("time_s,weight\n1,2\n3,x\n", "photons.csv:3:3"), ("time_s,weight\n1,2\n3\n", "photons.csv:3"),
        ("time_s,weight\n1,nan\n", "photons.csv:2:3"), ("", "is empty"),
        ("time_s,wieght\n1,2\n", "`wieght` for `weight`"),
        ("time_s,weight\n", "no rows"),
    ])
    func aBadTableIsAFaultOfItsLine(table: String, words: String) throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            try folder.write("input/photons.csv", table)
            let (code, screen) = lint(folder.path)
            #expect(code == 1)
            #expect(screen.out.contains("project.yaml:9:11: input `photons`"), "\(screen.out)")
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
            let places = faults.compactMap { $0["message"] as? String }.map { message in
                message.split(separator: "photons.csv:").last?.split(separator: ": ").first.map(String.init)
            }
            #expect(places == ["2:1", "2:3", "4", "5:5", "6:1", "7:3"])
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
            try folder.write("latin.yaml", "name: x")
            try Data([0x6E, 0xE9]).write(to: URL(filePath: folder.path + "/latin.yaml"))
            let (code, screen) = lint(folder.path + "/latin.yaml")
            #expect(code == 65)
            #expect(screen.err.contains("UTF-8"))
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
