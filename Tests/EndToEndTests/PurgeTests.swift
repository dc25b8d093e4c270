import Foundation
import Testing

/// A finished batch goes into an archive, with the real programs.
@Suite("Purging", .placed, .serialized)
struct PurgeTests {
    @Test("Purged, killed while purging, looked at, served on")
    func purge() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1)
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        try await site.attach("Ada")
        try site.startClient("Ada", cores: 2)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log"))")
        #expect(await site.clients["Ada"]?.stop() == 0)
        let credit = try await site.json(["report", "credit"])
        let running = try await server(site, ["purge", "--batch", "1"])
        #expect(running.status == 78, "a server that runs holds the directory: \(running.errors)")
        #expect(await site.server?.stop() == 0)

        let archive = site.folder.path("server/archive/batch-1.tar.zst")
        let first = try Running(
            "millrace-server", ["purge", "--data", site.folder.path("server"), "--batch", "1"],
            outputPath: site.folder.path("purge.log"), errorPath: site.folder.path("purge.log"))
        let folder = site.folder.path("server/archive")
        _ = try? await Interrupter.kill(first.pid, when: 0, limitSeconds: 60) { Interrupter.file(in: folder) }
        _ = await first.wait(limitSeconds: 60)
        let purged = try await server(site, ["purge", "--batch", "1"])
        #expect(purged.status == 0, "\(purged.output) \(purged.errors)")
        #expect(FileManager.default.fileExists(atPath: archive))
        let verified = try await server(site, ["archive", "verify"])
        #expect(verified.status == 0 && verified.output.contains("6 work units"), "\(verified.output)")
        let sound = try await server(site, ["fsck", "--deep"])
        #expect(sound.status == 0, "\(sound.output) \(sound.errors)")
        // A restored backup has the archive, or its check would miss the rows.
        let drill = try await server(site, ["drill"])
        #expect(drill.status == 0, "\(drill.output) \(drill.errors)")
        let again = try await server(site, ["purge", "--batch", "1"])
        #expect(again.status == 0 && again.output.contains("0 blobs"), "\(again.output) \(again.errors)")
        #expect(try await server(site, ["purge", "--batch", "7"]).status == 66)
        #expect(try await server(site, ["purge"]).status == 64)

        try await site.startServer()
        let status = try await site.json(["status", "1"])
        #expect(status.text("state") == "finished" && status.number("units_validated") == 6, "\(status)")
        #expect(try await site.millrace(["results", "1", "--out", site.folder.path("answer")]).status == 0)
        let after = try await site.json(["report", "credit"])
        let earned = { (report: [String: Any]) in report.list("hosts").map { $0.number("microcobblestones") } }
        #expect(earned(after) == earned(credit) && earned(credit).reduce(0, +) > 0)
        #expect(after["balanced"] as? Bool == true)
        #expect(await site.server?.stop() == 0)
        try await damage(site, archive)
    }

    /// A damaged archive, and one that is not there, are told of.
    private func damage(_ site: Site, _ archive: String) async throws {
        var bytes = try Data(contentsOf: URL(filePath: archive))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: archive))
        let verified = try await server(site, ["archive", "verify"])
        #expect(verified.status == 1 && verified.output.contains("damaged"), "\(verified.output)")
        #expect(try await server(site, ["fsck"]).status == 1)
        try FileManager.default.removeItem(atPath: archive)
        let missing = try await server(site, ["fsck"])
        #expect(missing.status == 1 && missing.output.contains("batch-1.tar.zst"), "\(missing.output)")
        #expect(try await server(site, ["archive", "verify"]).status == 66)
    }

    private func server(_ site: Site, _ words: [String]) async throws -> Programs.Outcome {
        let count = words.first == "archive" ? 2 : 1
        return try await Programs.run(
            "millrace-server",
            Array(words.prefix(count)) + ["--data", site.folder.path("server")] + Array(words.dropFirst(count)))
    }
}
