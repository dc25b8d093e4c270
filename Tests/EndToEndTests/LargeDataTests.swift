import Foundation
import Testing

/// Transfers that are cut off on either side by SIGKILL, with the real programs: they go on where they stopped. All of
/// them are slow, so that each is under way for seconds, however busy the machine is.
@Suite("Large data", .placed, .serialized)
struct LargeDataTests {
    private static let project = LargeProject.large
    private static let step: Int64 = 12 << 20
    private static let bytesPerSecond = 12 << 20

    @Test("An input and a result, submitter, client and server killed while they travel")
    func killedOnEitherSide() async throws {
        let site = try Site()
        let project = try Self.project.make(in: site.folder)
        try await site.startServer()
        let sent = try await submitWithKills(site, project)
        // The server that took the rest has started after the second kill.
        try await expectBytes("in", of: site, atMost: Int64(Self.project.bytes) - sent + (4 << 20))
        let file = try #require(blob(site))
        #expect(file.size == Self.project.bytes)
        #expect(uploads(site).isEmpty, "the upload has become the blob, there is no second copy")

        try await site.attach("Ada")
        // Transfers have three quarters of a rate.
        try "network:\n  download: 16 MiB/s\n  upload: 4 MiB/s\n"
            .write(toFile: site.folder.path("Ada/preferences.yaml"), atomically: true, encoding: .utf8)
        let received = try await downloadWithKills(site)
        let cached = site.projectFolder("Ada") + "/blobs/\(file.name)"
        #expect(try await eventually { FileManager.default.fileExists(atPath: cached) })
        try await expectBytes("out", of: site, atMost: Int64(Self.project.bytes) - received + (4 << 20))
        #expect(FileManager.default.contentsEqual(atPath: cached, andPath: project + "/input/matrix.npy"))

        try await resultWithKills(site)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 600)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log")) \(site.logText("Ada.log"))")
        #expect(await site.clients["Ada"]?.stop() == 0)
        #expect(await site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", site.folder.path("server")])
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }

    /// - Returns: bytes that were with the server when it was killed.
    private func submitWithKills(_ site: Site, _ project: String) async throws -> Int64 {
        let line = try Relay(to: site.url, bytesPerSecond: Self.bytesPerSecond)
        func submit() throws -> Running {
            try Running(
                "millrace", ["submit", project],
                environment: ["MILLRACE_SERVER": line.url, "MILLRACE_TOKEN_FILE": site.token],
                outputPath: site.folder.path("submit.log"), errorPath: site.folder.path("submit.log"))
        }
        let folder = site.folder.path("server/blobs/uploads")
        let upload: @Sendable () -> String? = { Interrupter.file(in: folder, prefix: "b") }
        let first = try submit()
        let kept = try await Interrupter.kill(first.pid, when: Self.step, upload)
        #expect(await first.wait(limitSeconds: 60) != 0)
        #expect(kept >= Self.step && kept < Self.project.bytes)
        let second = try submit()
        let server = try #require(site.server)
        let more = try await Interrupter.kill(server.pid, when: kept + Self.step, upload)
        #expect(more >= kept + Self.step, "it did not begin anew")
        try await site.startServer()
        // It tries again for some seconds. A server that starts more slowly than that is found by the third.
        if await second.wait(limitSeconds: 120) != 0 {
            let third = try submit()
            #expect(await third.wait(limitSeconds: 120) == 0, "\(site.logText("submit.log"))")
        }
        return more
    }

    /// - Returns: bytes that were with the client when the server was killed.
    private func downloadWithKills(_ site: Site) async throws -> Int64 {
        let folder = site.projectFolder("Ada") + "/blobs"
        let part: @Sendable () -> String? = { Interrupter.file(in: folder, suffix: ".part") }
        try site.startClient("Ada")
        let client = try #require(site.clients["Ada"])
        let kept = try await Interrupter.kill(client.pid, when: Self.step, part)
        #expect(kept >= Self.step && kept < Self.project.bytes)
        try site.startClient("Ada")
        let server = try #require(site.server)
        let more = try await Interrupter.kill(server.pid, when: kept + Self.step, part)
        #expect(more >= kept + Self.step, "it did not begin anew")
        try await site.startServer()
        return more
    }

    private func resultWithKills(_ site: Site) async throws {
        let folder = site.folder.path("server/blobs/uploads")
        let upload: @Sendable () -> String? = { Interrupter.file(in: folder, prefix: "t") }
        let client = try #require(site.clients["Ada"])
        let kept = try await Interrupter.kill(client.pid, when: 2 << 20, upload)
        let server = try #require(site.server)
        try site.startClient("Ada")
        let more = try await Interrupter.kill(server.pid, when: kept + (3 << 20), upload)
        #expect(more >= kept + (3 << 20), "it did not begin anew")
        try await site.startServer()
    }

    /// What the server has taken or given since it started, by its own count.
    private func expectBytes(_ direction: String, of site: Site, atMost limit: Int64) async throws {
        let url = try #require(URL(string: site.url + "/metrics"))
        let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        let line = text.split(separator: "\n").first {
            $0.hasPrefix("millrace_request_bytes_total") && $0.contains("\"\(direction)\"")
        }
        let bytes = try #require(line?.split(separator: " ").last.flatMap { Double($0) })
        #expect(bytes <= Double(limit), "\(direction)")
    }

    private func blob(_ site: Site) -> (name: String, size: Int)? {
        let root = site.folder.path("server/blobs")
        for fan in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] where fan.utf8.count == 2 {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + fan)) ?? [] {
                let path = root + "/" + fan + "/" + name
                let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
                if size > 1 << 20 { return (name, size) }
            }
        }
        return nil
    }

    private func uploads(_ site: Site) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: site.folder.path("server/blobs/uploads"))) ?? []
    }
}
