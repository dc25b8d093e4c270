import Console
import Domain
import Foundation
import Testing

/// Projects with their own program: what `lint`, `dry-run` and the template say.
@Suite struct ProgramProjectTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let executable = AppSchema(
        name: "executable", version: 1, title: "Your program", step: "one number",
        parameters: [
            ParameterSchema(
                name: "steps", kind: .integer, unit: "", defaultValue: .integer(0), minimum: nil, maximum: nil,
                description: ".")
        ], inputs: [], numericClass: .exact)
    private static let wasm: AppSchema = {
        var app = executable
        app.name = "wasm"
        return app
    }()
    private static let catalogue = AppCatalogue(apps: [Sample.exact, executable, wasm])

    private static let manifest = """
        name: my-sums
        title: Sums
        description: What for.
        science_area: mathematics
        licence: CC0-1.0
        app: executable
        parameters:
          steps: 20
        program:
          name: solver
          version: 1.0
          results:
            - file: sums.csv
        split:
          steps_per_unit: 10
        resources:
          flops_per_step: 1e6
        """

    /// A project beside a release folder with one program.
    private struct Place {
        let folder: TemporaryFolder

        func admin() -> ReleaseAdmin { ReleaseAdmin(folder: folder.path + "/releases", now: ProgramProjectTests.now) }

        func perform(_ command: (CommandContext) throws(Fault) -> Int32) {
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: false).run(command)
            #expect(code == 0, "\(recorder.err)")
        }

        func release(_ files: [String], interpreter: String? = nil, signs: Bool = true) throws {
            try folder.write("tools/solver", "import sys\nopen('sums.csv', 'w').write('n\\n')\n")
            let files = files.map { "\($0)=\(folder.path)/tools/solver" }
            perform { (context) throws(Fault) in
                try admin().begin(name: "example", keys: folder.path + "/keys", rootKeys: 1, rootThreshold: 1, context)
            }
            perform { (context) throws(Fault) in
                try admin().add("solver", "1.0", files: files, layers: [], interpreter: interpreter, context)
            }
            if signs {
                perform { (context) throws(Fault) in
                    try admin().sign(keys: [folder.path + "/keys"], context)
                }
            }
        }

        func lint(_ manifest: String = ProgramProjectTests.manifest, daysLater: Double = 0) throws -> LintReport {
            try folder.write("project.yaml", manifest)
            let now = ProgramProjectTests.now + TimeSpan(seconds: daysLater * 86_400)
            let project = try ProjectFolder.open(folder.path)
            return try Linter(folder: project, catalogue: ProgramProjectTests.catalogue, now: now).report()
        }
    }

    private func with(_ body: (Place) throws -> Void) throws {
        try TemporaryFolder.with { try body(Place(folder: $0)) }
    }

    @Test func aReleasedProgramIsRight() throws {
        try with { place in
            try place.release(["any"], interpreter: "python3")
            let report = try place.lint()
            #expect(report.faults.isEmpty && report.warnings.isEmpty, "\(report)")
            #expect(report.spec?.program?.name == "solver")
        }
    }

    @Test func withoutReleasesTheFolderIsNamed() throws {
        try with { place in
            let report = try place.lint()
            #expect(report.faults.count == 1 && report.spec == nil)
            let fault = try #require(report.faults.first)
            #expect(fault.message.hasPrefix("`program.releases`: ") && [fault.line, fault.column] == [9, 1])
            #expect(fault.expected?.contains("millrace release init") == true)
        }
    }

    @Test func namesAndVersionsAreThoseOfTheList() throws {
        try with { place in
            try place.release(["any"], interpreter: "python3")
            let name = try place.lint(Self.manifest.replacing("solver", with: "slover"))
            #expect(name.faults.map(\.suggestion) == ["solver"])
            #expect(name.faults.first?.line == 10 && name.faults.first?.column == 9)
            let version = try place.lint(Self.manifest.replacing("version: 1.0", with: "version: 2.0"))
            #expect(version.faults.map(\.message) == ["`program.version`: `solver` has no version `2.0`"])
            #expect(version.faults.first?.line == 11 && version.faults.first?.expected == "one of 1.0")
        }
    }

    @Test func theAppFitsThePlatform() throws {
        try with { place in
            try place.release(["wasm"])
            let report = try place.lint()
            #expect(report.faults.first?.message.contains("is released for wasm; the app executable needs") == true)
            let module = Self.manifest.replacing("app: executable", with: "app: wasm")
                .replacing("  version: 1.0", with: "  version: 1.0\n  fuel: 1e9")
            #expect(try place.lint(module).faults.isEmpty)
        }
        try with { place in
            try place.release(["x86_64-linux"])
            let module = Self.manifest.replacing("app: executable", with: "app: wasm")
                .replacing("  version: 1.0", with: "  version: 1.0\n  fuel: 1e9")
            #expect(try place.lint(module).faults.first?.message.contains("the app wasm needs a module") == true)
        }
    }

    @Test func whatIsNotSignedOrTooOldIsAWarning() throws {
        try with { place in
            try place.release(["any"], interpreter: "python3", signs: false)
            let report = try place.lint()
            #expect(
                report.faults.isEmpty
                    && report.warnings.map(\.message) == ["`program.version`: solver 1.0 is not signed yet"])
            place.perform { (context) throws(Fault) in
                try place.admin().sign(keys: [place.folder.path + "/keys"], context)
            }
            #expect(try place.lint(daysLater: 13).warnings.isEmpty)
            let old = try place.lint(daysLater: 15)
            #expect(old.faults.isEmpty && old.warnings.first?.message.contains("too old") == true)
            #expect(old.warnings.first?.expected?.contains("refresh") == true)
        }
    }

    @Test func aChangedOrLostFileIsAFault() throws {
        try with { place in
            try place.release(["any"], interpreter: "python3")
            let names = try FileManager.default.contentsOfDirectory(atPath: place.folder.path + "/releases/files")
            let name = try #require(names.first)
            try place.folder.write("releases/files/\(name)", "something else")
            #expect(try place.lint().faults.first?.message.contains("was changed") == true)
            try FileManager.default.removeItem(atPath: place.folder.path + "/releases/files/\(name)")
            #expect(try place.lint().faults.first?.message.contains("is missing") == true)
        }
    }

    /// `projects/mertens`, made smaller, in the real enclosure.
    @Test(.enabled(if: AppCheckTests.worker != nil))
    func theExampleRunsAsAVolunteerWouldRunIt() throws {
        let worker = try #require(AppCheckTests.worker)
        let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "projects/mertens")
        func text(_ name: String) throws -> String {
            try String(contentsOf: example.appending(path: name), encoding: .utf8)
        }
        try with { place in
            let program = try place.folder.write("mertens.py", try text("program/mertens.py"))
            let (folder, keys) = (place.folder.path, place.folder.path + "/keys")
            place.perform { (context) throws(Fault) in
                try place.admin().begin(name: "mertens", keys: keys, rootKeys: 1, rootThreshold: 1, context)
            }
            place.perform { (context) throws(Fault) in
                try place.admin().add(
                    "mertens", "1.0", files: ["any=\(program)"], layers: [], interpreter: "python3", context)
            }
            place.perform { (context) throws(Fault) in try place.admin().sign(keys: [keys], context) }
            let manifest = try text("project.yaml").replacing("steps: 100", with: "steps: 20")
                .replacing("block: 100000", with: "block: 1000")
            try place.folder.write("project.yaml", manifest)
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: true).run { (context) throws(Fault) in
                try DryRunCommand(path: folder, unit: 1, executable: worker).run(context)
            }
            // This computer has no enclosure for programs: then nothing runs, and that is said.
            if code == FaultKind.configuration.rawValue { return }
            #expect(code == 0, "\(recorder.out)\(recorder.err)")
            let report = try object(recorder.out)
            #expect(report["label"] as? String == "steps-10-19" && report["check"] as? String == "plausible")
            let sections = try #require(report["sections"] as? [[String: Any]])
            #expect(sections.map { $0["name"] as? String } == ["sums.csv"])
            #expect((report["fingerprint"] as? String)?.hasPrefix("mertens/1.0 any") == true)
        }
    }

    /// The app's own words, by the real worker.
    @Test(.enabled(if: AppCheckTests.worker != nil))
    func theSplitterIsAskedAsWell() throws {
        let worker = try #require(AppCheckTests.worker)
        try with { place in
            try place.release(["any"], interpreter: "python3")
            let catalogue = try AppCatalogue.local(executable: worker)
            func faults(_ manifest: String) throws -> [String] {
                try place.folder.write("project.yaml", manifest)
                let project = try ProjectFolder.open(place.folder.path)
                return try Linter(folder: project, catalogue: catalogue, now: Self.now).report().faults.map(\.message)
            }
            #expect(try faults(Self.manifest) == [])
            let none = try faults(Self.manifest.replacing("  steps: 20", with: "  order: 4"))
            #expect(none.count == 1 && none[0].hasPrefix("`parameters.steps`: nothing says how much work"), "\(none)")
            let table = try faults(Self.manifest.replacing("  steps: 20", with: "  rows: stars"))
            #expect(table.count == 1 && table[0].hasPrefix("`parameters.rows`: there is no input `stars`"), "\(table)")
        }
    }
}
