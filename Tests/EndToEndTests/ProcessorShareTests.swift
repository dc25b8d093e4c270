import Foundation
import TestChild
import Testing

/// A bound on processor time, measured from outside on the real client.
@Suite("Processor share", .placed, .serialized)
struct ProcessorShareTests {
    /// What the kernel says of workers, in seconds.
    private struct Times {
        var running = 0.0
        /// Ready to run, and another program had the core.
        var waiting = 0.0
    }

    @Test("At 50 % a task uses 50 % of its core, 5 % more at most; less only by what others took from it")
    func half() async throws {
        let site = try Site()
        try await site.startServer()
        // One unit of some minutes.
        let manifest = SmallProject.manifest(quorum: 1, deadline: "5 days", steps: 3000, ratios: 999)
        let project = try SmallProject.make(in: site.folder, manifest: manifest)
        try #require(try await site.millrace(["submit", project]).status == 0)
        try await site.attach("Ada")
        let data = site.folder.path("Ada")
        try "not_in_use:\n  cpu: 50 %\n".write(toFile: data + "/preferences.yaml", atomically: true, encoding: .utf8)
        try site.startClient("Ada")
        let client = try #require(site.clients["Ada"])
        let begins = try await eventually { Self.times(of: client).running > 0.05 }
        try #require(begins, "\(site.logText("Ada.log"))")

        // A window in which others leave it the core shows most; the last one decides in any case.
        var said = ""
        for window in 1...3 {
            let (before, began) = (Self.times(of: client), ContinuousClock.now)
            try await Task.sleep(for: .seconds(15))
            let (after, elapsed) = (Self.times(of: client), began.duration(to: .now) / .seconds(1))
            let used = (after.running - before.running) / elapsed
            let waited = (after.waiting - before.waiting) / elapsed
            said = "window \(window): used \(used), waited \(waited) of \(elapsed) s"
            #expect(used <= 0.55, "\(said)")
            if used >= 0.45 { break }
            #expect(used + waited >= 0.45, "\(said): nobody kept it from it")
        }
        let status = try await Programs.run("millrace-client", ["status", "--data", data])
        #expect(status.output.contains("processor  50 % of the cores of running tasks"), "\(status.output) \(said)")
        #expect(await client.stop() == 0)
    }

    /// Of all threads of the client's workers.
    private static func times(of client: Running) -> Times {
        var sum = Times()
        for process in FrailHost.children(of: client.pid) {
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
            for thread in threads {
                let path = "/proc/\(process)/task/\(thread)/schedstat"
                let words = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: " ")
                guard words.count >= 2, let running = Double(words[0]), let waiting = Double(words[1]) else { continue }
                sum.running += running / 1e9
                sum.waiting += waiting / 1e9
            }
        }
        return sum
    }
}
