import Domain
import Foundation
import Manifest
import Testing

/// The section `program`, and what else is free with the apps that need it.
@Suite struct ProgramTests {
    private static func app(_ name: String) -> AppSchema {
        func own(_ name: String, _ kind: ParameterSchema.Kind, _ value: ParameterValue) -> ParameterSchema {
            ParameterSchema(
                name: name, kind: kind, unit: "", defaultValue: value, minimum: nil, maximum: nil, description: ".")
        }
        return AppSchema(
            name: name, version: 1, title: "Your program", step: "one number",
            parameters: [own("steps", .integer, .integer(0)), own("rows", .text, .text(""))], inputs: [],
            numericClass: .exact)
    }

    private static let apps = Fixtures.apps + [app("executable"), app("wasm")]
    private static let section = """
        program:
          name: solver
          version: 1.0
          results:
            - file: out.csv
        """

    private static func text(
        _ app: String = "executable", _ program: String = section, parameters: String = "  steps: 100",
        flops: String = "resources:\n  flops_per_step: 1e9", more: String = ""
    ) -> String {
        Fixtures.manifest("parameters:\n\(parameters)\n\(program)\n\(flops)\n\(more)", app: app)
    }

    private static func read(_ text: String) -> ManifestReading {
        ManifestParser.read(text, file: "project.yaml", apps: apps)
    }

    private static func faults(_ text: String) -> [ManifestFault] {
        if case .faults(let faults) = read(text).outcome { faults } else { [] }
    }

    private static func spec(_ text: String) throws -> ProjectSpec {
        guard case .success(let spec, let warnings) = read(text).outcome else {
            Issue.record("\(faults(text).map(\.text))")
            throw Fault(.badData, "refused")
        }
        #expect(warnings.isEmpty)
        return spec
    }

    @Test func everyKey() throws {
        let program = """
            program:
              releases: my/releases
              name: solver
              version: "1.0"
              arguments: [--order, "4", 5]
              fuel: 1e12
              results:
                - file: spectrum.csv
                  join: csv
                - file: log.txt
                  optional: true
            """
        let spec = try Self.spec(Self.text("wasm", program))
        #expect(
            spec.program
                == ProjectProgram(
                    releases: "my/releases", name: "solver", version: "1.0", arguments: ["--order", "4", "5"],
                    fuel: 1_000_000_000_000,
                    results: [
                        ProgramResult(file: "spectrum.csv", joining: .csv),
                        ProgramResult(file: "log.txt", isOptional: true),
                    ]))
    }

    @Test func defaultsAndPlaces() throws {
        let reading = Self.read(Self.text())
        let expected = ProjectProgram(
            releases: "releases", name: "solver", version: "1.0", arguments: [], fuel: 0,
            results: [ProgramResult(file: "out.csv")])
        #expect(try Self.spec(Self.text()).program == expected)
        let places = try #require(reading.computing)
        #expect(places.program == expected && places.app == .executable)
        #expect(places.name.line == 12 && places.name.column == 9)
        #expect(places.version.line == 13 && places.version.column == 12)
        // It is left out: the section stands for it.
        #expect(places.releases.line == 11 && places.releases.column == 1)
    }

    @Test func otherAppsHaveNone() throws {
        let spec = Fixtures.spec(Fixtures.manifest())
        #expect(spec != nil && spec?.program == nil)
        let faults = Self.faults(Fixtures.manifest(Self.section))
        #expect(faults.map(\.message) == ["`program` means nothing to the app prime-count, which computes itself"])
        #expect(faults.first?.line == 9)
    }

    @Test(arguments: [
        ("executable", "", "the required key `program` is missing: the app executable"),
        ("executable", section + "\n  fuel: 5", "`program.fuel` means nothing to the app executable"),
        ("wasm", section, "the required key `program.fuel` is missing"),
        ("wasm", section + "\n  fuel: 1.5", "`program.fuel`: 1.5 is no whole number"),
        ("wasm", section + "\n  fuel: 2e18", "`program.fuel`: `2e18` is out of range"),
        ("wasm", section + "\n  fuel: 0", "`program.fuel`: `0` is out of range"),
        ("executable", section.replacing("solver", with: "Solver"), "`program.name`: `Solver` is no such name"),
        ("executable", section.replacing("1.0", with: "1 0"), "`program.version`: `1 0` is no such name"),
        ("executable", section.replacing("out.csv", with: "../out"), "`program.results[].file`: `../out` is no such"),
        ("executable", section.replacing("out.csv", with: ".out"), "`program.results[].file`: `.out` is no such"),
        ("executable", section.replacing("out.csv", with: "checkpoint"), "`program.results[].file`: `checkpoint` is"),
        ("executable", section.replacing("out.csv", with: "progress"), "`program.results[].file`: `progress` is"),
        ("executable", section.replacing("out.csv", with: "files.tar"), "`program.results[].file`: `files.tar` is"),
        ("executable", section.replacing("out.csv", with: "summary.txt"), "`program.results[].file`: `summary.txt` is"),
        ("executable", section + "\n    - file: out.csv", "the file `out.csv` is declared twice"),
        ("executable", section + "\n      optional: true", "every file of `program.results` is optional"),
        ("executable", section + "\n      join: tsv", "`program.results[].join`: `tsv` is none"),
        ("executable", section.replacing("version", with: "versoin"), "unknown key `versoin` in `program`"),
        ("executable", section + "\n  releases: ../r", "`program.releases`: `../r` is no path"),
        ("executable", "program:\n  name: s\n  version: 1\n  results:", "`program.results` has 0 elements"),
    ])
    func refused(app: String, program: String, message: String) {
        let faults = Self.faults(Self.text(app, program))
        #expect(faults.count == 1 && faults[0].message.hasPrefix(message), "\(faults.map(\.text))")
    }

    @Test func tooManyResults() {
        let files = (0..<33).map { "\n    - file: f\($0)" }.joined()
        let faults = Self.faults(Self.text("executable", "program:\n  name: s\n  version: 1\n  results:" + files))
        #expect(faults.map(\.message) == ["`program.results` has 33 elements"])
    }

    @Test func theScientistSaysHowMuchAStepIs() {
        let faults = Self.faults(Self.text(flops: ""))
        #expect(faults.map(\.message) == ["the app executable needs `resources.flops_per_step`"])
    }

    @Test func parametersOfAnyNameAreTypedByHowTheyAreWritten() throws {
        let spec = try Self.spec(
            Self.text(
                parameters: "  steps: 7\n  order: 4\n  width.hz: 1e-3\n  mode: fast\n  word: \"5\"\n  list: [1, 2.5]"))
        #expect(
            spec.parameters == [
                Parameter(name: "steps", value: .integer(7)), Parameter(name: "order", value: .integer(4)),
                Parameter(name: "width.hz", value: .real(1e-3)), Parameter(name: "mode", value: .text("fast")),
                Parameter(name: "word", value: .text("5")), Parameter(name: "list", value: .reals([1, 2.5])),
            ])
    }

    @Test(arguments: [
        ("  steps: 7\n  a b: 1", "`a b` is no name of a parameter"),
        ("  steps: 7\n  a: {b: 1}", "`parameters.a`: a section with keys stands here"),
        ("  steps: 7\n  a:", "`parameters.a`: nothing stands here"),
        ("  steps: 7\n  a: [x]", "`parameters.a`: `x` is no number"),
        ("  steps: many", "`parameters.steps`: `many` is no whole number"),
        // Nothing says how much work there is: a slip.
        ("  stesp: 7", "the app executable has no parameter `stesp`"),
    ])
    func wrongParameters(parameters: String, message: String) {
        let faults = Self.faults(Self.text(parameters: parameters))
        #expect(faults.first?.message.hasPrefix(message) == true, "\(faults.map(\.text))")
    }

    @Test func inputsOfAnyName() throws {
        let inputs = """
            inputs:
              - name: stars.csv
                file: input/stars.csv
                packing: table
              - name: model
                file: input/model.bin
            """
        let spec = try Self.spec(Self.text(parameters: "  rows: stars.csv", more: inputs))
        #expect(spec.inputs.map(\.packing) == [.table, .plain])
        // Its rows travel inside of the units.
        #expect(!spec.goesToVolunteers("stars.csv") && spec.goesToVolunteers("model"))
        for (name, message) in [
            ("rows.csv", "the name `rows.csv` is taken"), ("results.json", "the name `results.json` is taken"),
            ("a/b", "`a/b` is no name of a file"),
            ("model", "the input `model` is given twice"),
        ] {
            let faults = Self.faults(
                Self.text(more: inputs.replacing("stars.csv\n", with: "\(name)\n", maxReplacements: 1)))
            #expect(faults.first?.message.hasPrefix(message) == true, "\(faults.map(\.text))")
        }
    }

    @Test func comparisonsNameTheDeclaredFiles() throws {
        let compare = "validation:\n  compare:\n    - by: lines\n      sections: [%]"
        let right = Self.text(more: compare.replacing("%", with: "out.csv"))
        #expect(try Self.spec(right).validation.comparison != nil)
        let wrong = Self.faults(Self.text(more: compare.replacing("%", with: "out.cvs")))
        #expect(wrong.first?.message == "results of the app executable have no section `out.cvs`")
        #expect(wrong.first?.suggestion == "out.csv")
        let numbers = Self.text(more: compare.replacing("%", with: "out.csv").replacing("lines", with: "close"))
        #expect(Self.faults(numbers).first?.message.contains("compares numbers") == true)
    }

    @Test func theExampleProjectIsRight() throws {
        let file = Golden.root.appending(path: "projects/mertens/project.yaml")
        let spec = try Self.spec(try String(contentsOf: file, encoding: .utf8))
        #expect(spec.program?.title == "mertens 1.0" && spec.program?.results.map(\.joining) == [.csv])
    }

    @Test(arguments: ["executable", "wasm"])
    func theTemplateIsRight(name: String) throws {
        let text = ManifestTemplate.text(name: "first", app: Self.app(name))
        let spec = try Self.spec(text)
        #expect(spec.program?.title == "solver 1.0" && spec.parameters.first?.value == .integer(100))
        for key in ManifestKeys.all where key.path.hasPrefix("program") && key.path != "program.fuel" {
            #expect(text.contains("\(key.path.split(separator: ".").last ?? ""):"), "\(key.path)")
        }
    }
}
