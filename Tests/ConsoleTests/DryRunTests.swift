import Console
import Domain
import Foundation
import Testing

/// One unit of a tiny project by the real worker; see `AppCheckTests.worker`.
@Suite struct DryRunTests {
    private func dryRun(_ lines: String) throws -> (code: Int32, screen: Recorder) {
        let worker = try #require(AppCheckTests.worker)
        return try TemporaryFolder.with { (folder) throws in
            let small = AppCheckTests.manifest.replacing("frequency_max_hz: 216", with: "frequency_max_hz: 8")
                .replacing("f1_over_f: [0]", with: "lag_window_s: 1024")
            try folder.write("project.yaml", small + "\n" + lines)
            try folder.write("photons.csv", AppCheckTests.table)
            let recorder = Recorder()
            let code = CommandContext(screen: recorder, asJSON: true).run { (context) throws(Fault) in
                try DryRunCommand(path: folder.path, unit: 0, executable: worker).run(context)
            }
            return (code, recorder)
        }
    }

    @Test(.enabled(if: AppCheckTests.worker != nil))
    func aRightUnitPassesAndItsKeysAreDocumented() throws {
        let (code, screen) = try dryRun("")
        #expect(code == 0, "\(screen.out)\(screen.err)")
        let report = try object(screen.out)
        #expect(report["app_flops"] as? Double == report["flops"] as? Double)
        #expect(try DocumentTests.undocumented(screen.out) == [])
    }

    /// No host could finish it, though this machine needs no time at all.
    @Test(.enabled(if: AppCheckTests.worker != nil))
    func anEstimateOverTheDeadlineIsAFault() throws {
        let (code, screen) = try dryRun("resources:\n  flops_per_step: 1e21\n")
        #expect(code == 1)
        let report = try object(screen.out)
        let excesses = try #require(report["over_bounds"] as? [String])
        #expect(excesses.map { $0.contains("resources.flops_per_step") } == [true], "\(excesses)")
        #expect(try #require(report["app_flops"] as? Double) < 1e9)
        #expect(try #require(report["estimate_seconds"] as? Double) > 259_200)
    }

    @Test(.enabled(if: AppCheckTests.worker != nil))
    func anOutputOverItsBoundIsANo() throws {
        let (code, screen) = try dryRun("resources:\n  output: 10 B\n")
        #expect(code == 1)
        let error = try object(screen.err)["error"] as? [String: Any]
        #expect(error?["kind"] as? String == "negative")
        #expect((error?["message"] as? String)?.contains("the work unit allows 10") == true, "\(screen.err)")
    }
}
