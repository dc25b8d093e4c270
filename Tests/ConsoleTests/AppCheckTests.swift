import Console
import Domain
import Foundation
import Testing

/// The app's own check, by the real worker: it lies beside the tests when the whole package is built, and
/// MILLRACE_WORKER may name another.
@Suite struct AppCheckTests {
    static let worker: String? = {
        let named = ProcessInfo.processInfo.environment["MILLRACE_WORKER"]
        let arguments = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [CommandLine.arguments[0]]
        let beside = arguments.map { URL(filePath: $0).deletingLastPathComponent().path + "/millrace-worker" }
        return ([named].compactMap(\.self) + beside).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static let manifest = """
        name: my-search
        title: A search
        description: What for.
        science_area: astronomy
        licence: CC0-1.0
        app: gamma-pulsar
        parameters:
          frequency_max_hz: 216
          f1_over_f: [0]
        inputs:
          - name: photons
            file: photons.csv
        split:
          steps_per_unit: 1
        """
    static let table = "time_s,weight\n0,0.5\n1000,1\n2500,0.25\n"

    private func lint(_ manifest: String, _ table: String, _ executable: String) throws -> (Int32, Recorder) {
        try TemporaryFolder.with { (folder) throws in
            try folder.write("project.yaml", manifest)
            try folder.write("photons.csv", table)
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: false).run { (context) throws(Fault) in
                let catalogue = try AppCatalogue.local(executable: executable)
                return try LintCommand(path: folder.path, catalogue: catalogue).run(context)
            }
            return (code, recorder)
        }
    }

    @Test(
        .enabled(if: worker != nil),
        arguments: [
            (("f1_over_f: [0]", "f1_over_f: [0]"), table, 0, "no fault in project"),
            (("f1_over_f: [0]", "f1_over_f: [0, 0, 0]"), table, 1, "project.yaml:9:3: `parameters.f1_over_f`"),
            (
                ("f1_over_f: [0]", "frequency_min_hz: 300"), table, 1,
                "project.yaml:8:3: `parameters.frequency_max_hz`"
            ),
            (("  f1_over_f: [0]", "  veto_hz: 0.1"), table + "3,7\n", 1, "project.yaml:12:11: input `photons`: row 4"),
            (("f1_over_f: [0]", "f1_over_f: [0]"), table + "3,-5e300\n", 1, "project.yaml:12:11: input `photons`"),
            (("f1_over_f: [0]", "f1_over_f: [0]"), table + "1e300,1\n", 1, "project.yaml:12:11: input `photons`"),
            (("f1_over_f: [0]", "f1_over_f: [0]"), "time_s,weight\n1,1\n", 1, "project.yaml:12:11: input `photons`"),
        ] as [((String, String), String, Int32, String)])
    func whatTheAppRefusesIsAFaultAtItsPlace(
        edit: (String, String), table: String, expected: Int32, words: String
    ) throws {
        let manifest = Self.manifest.replacing(edit.0, with: edit.1)
        let (code, screen) = try lint(manifest, table, try #require(Self.worker))
        #expect(code == expected, "\(screen.out)\(screen.err)")
        #expect(screen.out.contains(words), "\(screen.out)\(screen.err)")
    }

    @Test func aMissingWorkerIsAMatterOfConfiguration() throws {
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let recorder = Recorder()
            let catalogue = AppCatalogue(apps: Sample.catalogue.apps, executable: folder.path + "/no-worker")
            let code = CommandContext(screen: recorder, asJSON: false).run { (context) throws(Fault) in
                try LintCommand(path: folder.path, catalogue: catalogue).run(context)
            }
            #expect(code == FaultKind.configuration.rawValue)
            #expect(recorder.err.contains("no-worker"))
        }
    }
}
