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
            (("  f1_over_f: [0]", "  veto_hz: 0.1"), table + "3,7\n", 1, "photons.csv:5:3: weight 7.0"),
            (("f1_over_f: [0]", "f1_over_f: [0]"), table + "3, -5e300\n", 1, "photons.csv:5:4: weight"),
            (("f1_over_f: [0]", "f1_over_f: [0]"), table + "1e300,1\n", 1, "photons.csv:5:1: time_s"),
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

    @Test(.enabled(if: worker != nil))
    func everyFaultOfTheAppIsReportedAtOnce() throws {
        let manifest = Self.manifest.replacing(
            "f1_over_f: [0]", with: "f1_over_f: [0, 0]\n  frequency_min_hz: 300\n  veto_hz: 4")
        let (code, screen) = try lint(manifest, Self.table + "3,-2\n4,0.5\n5,5\n", try #require(Self.worker))
        #expect(code == 1)
        let places = [
            "project.yaml:8:3: `parameters.frequency_max_hz`: 216.0 Hz", "project.yaml:9:3: `parameters.f1_over_f`",
            "project.yaml:11:3: `parameters.veto_hz`", "photons.csv:5:3: weight -2.0", "photons.csv:7:3: weight 5.0",
        ]
        for place in places { #expect(screen.out.contains(place), "\(screen.out)") }
        #expect(screen.out.components(separatedBy: "    expected: ").count == 6, "\(screen.out)")
        #expect(screen.out.hasSuffix("\n5 faults\n"))
    }

    @Test(.enabled(if: worker != nil))
    func aFaultOfTheManifestDoesNotHideThoseOfTheApp() throws {
        // What depends on the wrong veto_hz, or on a table that cannot be read, is not judged.
        let manifest = Self.manifest.replacing("CC0-1.0", with: "mine").replacing(
            "f1_over_f: [0]", with: "f1_over_f: [0, 0]\n  frequency_min_hz: 300\n  veto_hz: -1")
        let worker = try #require(Self.worker)
        let (code, screen) = try lint(manifest, Self.table + "3,-2\n", worker)
        #expect(code == 1)
        #expect(screen.out.hasSuffix("\n5 faults\n"), "\(screen.out)")
        let (_, broken) = try lint(manifest, Self.table + "3,x\n", worker)
        #expect(broken.out.hasSuffix("\n5 faults\n"), "\(broken.out)")
        #expect(broken.out.contains("photons.csv:5:3: `x`"))
        let doubtful = manifest.replacing("frequency_min_hz: 300", with: "frequency_min_hz: 9999")
        let (_, less) = try lint(doubtful, Self.table, worker)
        #expect(less.out.hasSuffix("\n4 faults\n"), "\(less.out)")
        #expect(!less.out.contains("parameters.frequency_max_hz"))
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
