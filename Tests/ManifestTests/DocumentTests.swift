import Domain
import Foundation
import Manifest
import Testing

@Suite struct DocumentTests {
    @Test func theTableInTheDocumentIsTheTableOfTheParser() throws {
        let text = try Golden.text(
            of: Golden.root.appending(path: "docs/manifest.md"), between: ManifestDocument.begin,
            and: ManifestDocument.end, recording: ManifestDocument.table)
        #expect(text == ManifestDocument.table)
    }

    @Test func theExampleInTheDocumentIsRight() throws {
        let text = try Golden.text(
            of: Golden.root.appending(path: "docs/manifest.md"), between: "```yaml", and: "\n```\n\n## Every key",
            recording: "")
        let app = AppSchema(
            name: "gamma-pulsar", version: 1, title: "", step: "",
            parameters: [
                ParameterSchema(
                    name: "frequency_max_hz", kind: .real, unit: "Hz", defaultValue: nil, minimum: 0, maximum: 4096,
                    description: ""),
                ParameterSchema(
                    name: "f1_over_f", kind: .reals, unit: "1/s", defaultValue: nil, minimum: -1e-9, maximum: 1e-9,
                    description: ""),
            ],
            inputs: [InputSchema(name: "photons", packing: .table, columns: [], description: "")],
            numericClass: .tolerance(relative: 1e-4, absolute: 0))
        let outcome = ManifestParser.parse(text, file: "docs/manifest.md", apps: [app])
        guard case .success(let spec, let warnings) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(warnings == [])
        #expect(spec.inputs.map(\.path) == ["input/photons.csv"])
    }

    @Test func everyDefaultIsAValueOfItsKey() {
        for key in ManifestKeys.all {
            guard case .standard(let text) = key.presence else { continue }
            let parts = key.path.split(separator: ".")
            guard parts.count == 2 else { continue }
            let manifest = Fixtures.manifest("\(parts[0]):\n  \(parts[1]): \(text)")
            #expect(Fixtures.spec(manifest) == Fixtures.spec(Fixtures.manifest()), "\(key.path)")
        }
    }

    @Test func theTemplateOfAnAppWithoutRequiredParametersIsRight() {
        let text = ManifestTemplate.text(name: "first", app: Fixtures.count)
        #expect(Fixtures.faults(text) == [])
        let outcome = ManifestParser.parse(text, file: "p", apps: Fixtures.apps)
        guard case .success(_, let warnings) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(warnings == [], "lint complains of its own template")
        #expect(Fixtures.spec(text)?.replication == Fixtures.spec(Fixtures.manifest())?.replication)
    }

    @Test func theTemplateAsksOnlyForRequiredParameters() {
        let faults = Fixtures.faults(ManifestTemplate.text(name: "first", app: Fixtures.search))
        #expect(faults.count == 1)
        #expect(faults.first?.message.contains("parameters.frequency_max") == true)
    }

    @Test func theTemplateShowsEveryKey() {
        let text = ManifestTemplate.text(name: "first", app: Fixtures.search)
        // What an element of `compare` may hold depends on its `by`: the document tells. `program` is not for this app.
        for key in ManifestKeys.all
        where !key.path.hasPrefix("validation.compare[]") && !key.path.hasPrefix("program") {
            let leaf = key.path.split(separator: ".").last.map(String.init) ?? key.path
            #expect(text.contains("\(leaf):"), "\(key.path)")
        }
    }

    @Test(arguments: [UInt64](1...200))
    func aRandomProjectIsReadBackAsItWasWritten(seed: UInt64) throws {
        var random = Draw(seed: seed)
        let spec = RandomProject.make(&random)
        let text = RandomProject.yaml(spec, &random)
        switch ManifestParser.parse(text, file: "p", apps: Fixtures.apps) {
        case .success(let read, _): #expect(read == spec)
        case .faults(let faults): Issue.record("\(faults.map(\.text))\n\(text)")
        }
    }
}
