import Foundation
import Testing

/// That the benchmark of the server measures; how fast is no test's matter.
@Suite("millrace-bench")
struct BenchTests {
    @Test("The core on both stores, and calls through HTTP", arguments: ["memory", "sqlite"])
    func core(store: String) async throws {
        let run = try await Programs.run(
            "millrace-bench", ["core", "--store", store, "--units", "300", "--hosts", "20", "--calls", "100"])
        #expect(run.status == 0, "\(run.output) \(run.errors)")
        #expect(run.output.contains("calls: 100, tasks reported: 80, units validated: 80"), "\(run.output)")
    }

    @Test("Calls through HTTP are answered, and what was made is removed")
    func calls() async throws {
        let folder = try TemporaryFolder()
        let run = try await Programs.run(
            "millrace-bench",
            ["calls", "--seconds", "1", "--hosts", "8", "--connections", "4", "--folder", folder.url.path])
        #expect(run.status == 0, "\(run.output) \(run.errors)")
        #expect(run.output.contains("calls: ") && !run.output.contains("calls: 0,"), "\(run.output)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}
