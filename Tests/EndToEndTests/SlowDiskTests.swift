import Foundation
import Testing

/// A volunteer whose disk hangs, and one whose client is killed while its tasks stand still.
@Suite("A client gives way", .placed, .serialized)
struct SlowDiskTests {
    private static func client(_ site: Site, _ arguments: [String]) async throws -> Programs.Outcome {
        try await Programs.run("millrace-client", arguments + ["--data", site.folder.path("Ada")])
    }

    /// A server with one project; a unit of 2000 steps takes minutes, one of 20 a second.
    private static func site(steps: Int) async throws -> Site {
        let site = try Site()
        try await site.startServer()
        let manifest = SmallProject.manifest(quorum: 1, deadline: "5 days", steps: steps, ratios: 399)
        let submitted = try await site.millrace(
            ["submit", try SmallProject.make(in: site.folder, manifest: manifest)])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        try await site.attach("Ada")
        return site
    }

    private static func state(_ process: Int32) -> Character? {
        let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        return text?.split(separator: ")").last?.first { $0 != " " }
    }

    @Test("While the start of a worker hangs on the disk, the others are stopped at once")
    func hangingStart() async throws {
        let site = try await Self.site(steps: 2000)
        func slots() -> [String] {
            let folder = site.projectFolder("Ada") + "/slots"
            return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { "\(folder)/\($0)" }
        }
        try site.startClient("Ada", arguments: ["--buffer-seconds", "1000000"])
        #expect(try await eventually { slots().count >= 2 }, "\(site.logText("Ada.log"))")
        #expect(await site.clients["Ada"]?.stop() == 0)
        // Whoever opens it for writing waits until somebody reads: as a file on a disk that does not answer.
        for slot in slots() where !FileManager.default.fileExists(atPath: slot + "/log") {
            try #require(mkfifo(slot + "/log", 0o600) == 0)
        }
        try site.startClient("Ada", cores: 2, arguments: ["--buffer-seconds", "1000000"])
        let client = try #require(site.clients["Ada"]).pid
        #expect(try await eventually { FrailHost.children(of: client).contains { Self.isWorker($0) } })
        let worker = try #require(FrailHost.children(of: client).first { Self.isWorker($0) })
        // The second one is being started meanwhile, or will be.
        try await Task.sleep(for: .seconds(2))
        let paused = try await Self.client(site, ["pause"])
        #expect(paused.status == 0, "\(paused.errors)")
        // Told at once; it stands when it has its turn. The start still hangs then.
        #expect(try await eventually { Self.state(worker) == "T" }, "\(site.logText("Ada.log"))")
    }

    @Test("A worker that stands still when its client is killed goes on, saves itself and leaves")
    func killedWhilePaused() async throws {
        let site = try await Self.site(steps: 2000)
        try site.startClient("Ada")
        let client = try #require(site.clients["Ada"])
        #expect(try await eventually { FrailHost.children(of: client.pid).contains { Self.isWorker($0) } })
        let worker = try #require(FrailHost.children(of: client.pid).first { Self.isWorker($0) })
        #expect(try await Self.client(site, ["pause"]).status == 0)
        #expect(try await eventually { Self.state(worker) == "T" })
        client.killNow()
        #expect(try await eventually { Self.state(worker) == nil || Self.state(worker) == "Z" })
    }

    private static func isWorker(_ process: Int32) -> Bool {
        let line = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
        return line.contains("millrace-worker\0run\0")
    }
}
