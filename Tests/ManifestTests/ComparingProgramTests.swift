import Domain
import Manifest
import Testing

/// `validation.compare_program` and the keys beside it.
@Suite struct ComparingProgramTests {
    private static func read(_ keys: String) -> ManifestReading {
        let lines = keys.split(separator: "\n").map { "  \($0)\n" }.joined()
        return ManifestParser.read(
            Fixtures.manifest("validation:\n\(lines)"), file: "project.yaml", apps: Fixtures.apps)
    }

    private static func faults(_ keys: String) -> [String] {
        if case .faults(let faults) = read(keys).outcome { faults.map(\.message) } else { [] }
    }

    @Test func everyKey() throws {
        let reading = Self.read(
            "compare_program: tools/compare.py\ncompare_arguments: [--tolerance, '1e-6']\ncompare_time: 50 s")
        guard case .success(let spec, let warnings) = reading.outcome else {
            Issue.record("\(reading.outcome)")
            return
        }
        #expect(warnings.isEmpty)
        let rule = ProgramRule(program: "compare.py", arguments: ["--tolerance", "1e-6"], timeoutSeconds: 50)
        #expect(spec.validation.comparison == .program(rule))
        let file = InputFile(name: InputFile.comparingProgram, path: "tools/compare.py", packing: .plain)
        #expect(spec.validation.program == file && spec.files == spec.inputs + [file])
        #expect(!spec.inputs.contains(file) && !InputFile.isOfApp(file.name))
        #expect(reading.program?.file == file && reading.program?.column == 20)
    }

    @Test func defaults() throws {
        guard case .success(let spec, _) = Self.read("compare_program: compare").outcome else {
            Issue.record("refused")
            return
        }
        #expect(spec.validation.comparison == .program(ProgramRule(program: "compare", timeoutSeconds: 20)))
    }

    @Test(arguments: [
        ("compare_arguments: x", "`validation.compare_arguments` without `validation.compare_program`"),
        ("compare_time: 3 s", "`validation.compare_time` without `validation.compare_program`"),
        ("compare_program: c.py\ncompare: [{by: exact}]", "`validation.compare_program` beside `validation.compare`"),
        ("compare_program: \"a b.py\"", "`validation.compare_program`: "),
        ("compare_program: ../c.py", "`validation.compare_program`: "),
        ("compare_program: c.py\ncompare_time: 2 min", "`validation.compare_time`: "),
        ("compare_program: c.py\ncompare_arguments: [\"a\\nb\"]", "`validation.compare_arguments`: "),
    ])
    func refused(keys: String, message: String) {
        let faults = Self.faults(keys)
        #expect(faults.contains { $0.hasPrefix(message) }, "\(faults)")
    }
}
