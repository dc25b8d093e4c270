import Domain
import Manifest
import Testing

@Suite struct AppRuleTests {
    static let inputs = """
        inputs:
          - name: photons
            file: input/photons.csv
          - name: mask
            file: input/mask.bin
            packing: plain
        """

    private func manifest(_ parameters: String, inputs: String = Self.inputs) -> String {
        Fixtures.manifest("parameters:\n\(parameters)\n\(inputs)", app: "line-search")
    }

    @Test func parametersAreTyped() throws {
        let spec = try #require(
            Fixtures.spec(
                manifest(
                    "  frequency_max: 256\n  harmonics: 4\n  window: none\n  ratios: [0, -1e-3, 1]")))
        #expect(
            spec.parameters == [
                Parameter(name: "frequency_max", value: .real(256)), Parameter(name: "harmonics", value: .integer(4)),
                Parameter(name: "window", value: .text("none")),
                Parameter(name: "ratios", value: .reals([0, -1e-3, 1])),
            ])
        #expect(spec.inputs.map(\.packing) == [.table, .plain])
    }

    @Test func defaultsAreFilledInInTheOrderOfTheSchema() throws {
        let spec = try #require(Fixtures.spec(manifest("  harmonics: 3\n  frequency_max: 10")))
        let resolved = spec.resolvedParameters(Fixtures.search)
        #expect(resolved.map(\.name) == Fixtures.search.parameters.map(\.name))
        #expect(resolved.map(\.value) == [.real(0), .real(10), .integer(3), .text("hann"), .reals([0])])
    }

    @Test(arguments: [
        ("  frequency_max: 4097", "out of range"), ("  frequency_max: fast", "no number"),
        ("  frequency_max: \"3\"", "`3` is text in quotes"),
        ("  frequency_max: 1\n  harmonics: '2'", "`2` is text in quotes"),
        ("  frequency_max: 1\n  ratios: [0, \"0\"]", "`0` is text in quotes"),
        ("  frequency_max: 1e400", "out of range"), ("  frequency_max: {a: 1}", "a section with keys stands here"),
        ("  frequency_max: [1]", "list"), ("  frequency_max:", "nothing"),
        ("  frequency_max: 1\n  harmonics: 1.5", "whole number"), ("  frequency_max: 1\n  harmonics: 17", "range"),
        ("  frequency_max: 1\n  window: hanning", "valid words"), ("  frequency_max: 1\n  ratios: 0.5", "0.5"),
        ("  frequency_max: 1\n  ratios: []", "empty list"), ("  frequency_max: 1\n  ratios: [0, 2]", "range"),
        ("  frequency_max: 1\n  ratios: [0, x]", "no number"), ("  harmonics: 2", "frequency_max` is missing"),
        ("  frequency_max: 1\n  wibble: 2", "no parameter `wibble`"), ("  frequency_max: inf", "no number"),
    ])
    func aWrongParameterIsOneFault(lines: String, words: String) {
        let faults = Fixtures.faults(manifest(lines))
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.first?.message.contains(words) == true, "\(faults)")
    }

    @Test func everyWrongElementOfAListIsAFaultAtItsPlace() {
        let faults = Fixtures.faults(manifest("  frequency_max: 1\n  ratios: [0, x, 1, 2, y]"))
        #expect(faults.map { [$0.line, $0.column] } == [[11, 15], [11, 21], [11, 24]])
        let many = Array(repeating: "x", count: 1000).joined(separator: ", ")
        #expect(Fixtures.faults(manifest("  frequency_max: 1\n  ratios: [\(many)]")).count == 20)
    }

    @Test func theParametersOfAMisspeltAppAreChecked() {
        let text = manifest("  frequency_max: 99999\n  harmonicz: 2").replacing("line-search", with: "line-serch")
        let faults = Fixtures.faults(text)
        #expect(faults.map(\.suggestion) == ["line-search", nil, "harmonics"])
    }

    @Test func suggestionsForParametersChoicesAndInputs() {
        let faults = Fixtures.faults(
            manifest(
                "  frequncy_max: 5\n  window: han",
                inputs: Self.inputs.replacing("name: photons", with: "name: fotons")))
        #expect(faults.map(\.suggestion) == ["frequency_max", "hann", "photons"])
    }

    @Test func aMissingInputAndAWrongPackingAreNamed() {
        let faults = Fixtures.faults(
            manifest("  frequency_max: 5", inputs: "inputs:\n  - {name: mask, file: m.bin, packing: table}"))
        #expect(faults.count == 2)
        #expect(
            faults.contains { $0.message.contains("`photons` is missing") && $0.expected!.contains("time_s, weight") })
        #expect(faults.contains { $0.message.contains("reads `mask` as plain") })
    }

    @Test func inputsForAnAppWithoutAnyAreFaults() {
        let faults = Fixtures.faults(Fixtures.manifest("inputs:\n  - {name: data, file: x.csv}"))
        #expect(faults.map(\.message) == ["the app prime-count has no input `data`"])
    }

    @Test(arguments: ["/etc/passwd", "../x.csv", "a/../b", "a//b", "", "."])
    func pathsStayInsideTheFolder(path: String) {
        let text = manifest("  frequency_max: 5").replacing("input/photons.csv", with: "\"\(path)\"")
        #expect(Fixtures.faults(text).count == 1)
    }

    @Test func placesOfInputsAreGivenEvenWhenSomethingElseIsWrong() {
        let text = manifest("  frequency_max: 99999")
        let reading = ManifestParser.read(text, file: "p", apps: Fixtures.apps)
        #expect(reading.inputs.map { [$0.line, $0.column] } == [[13, 11], [15, 11]])
        #expect(reading.app?.name == "line-search")
    }

    @Test func tolerancesAreForAppsThatHaveThem() throws {
        for (value, right) in [("0", true), ("1", true), ("1.01", false), ("-1", false)] {
            let text = manifest("  frequency_max: 5") + "\nvalidation:\n  relative_tolerance: \(value)\n"
            #expect(Fixtures.faults(text).isEmpty == right)
        }
        for (value, right) in [("0", true), ("1e300", true), ("1e301", false), ("-1e-9", false)] {
            let text = manifest("  frequency_max: 5") + "\nvalidation:\n  absolute_tolerance: \(value)\n"
            #expect(Fixtures.faults(text).isEmpty == right)
        }
    }
}
