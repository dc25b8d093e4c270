import Foundation
import Testing

/// Backup and restore with the real programs, while volunteers work.
@Suite("Backup", .placed, .serialized)
struct BackupTests {
    @Test("A backup of a busy server is restored, the drill passes, and the restored server finishes the work")
    func wholeWay() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1)
        try #require(try await site.millrace(["submit", project]).status == 0)
        try await site.attach("Ada")
        try site.startClient("Ada", cores: 2)
        let done = { try await site.json(["status", "1"]).number("tasks_done") }
        #expect(try await eventually { try await done() >= 1 })
        let data = site.folder.path("server")
        let drill = try await Programs.run("millrace-server", ["drill", "--data", data, "--deep"])
        #expect(drill.status == 0 && drill.output.contains("all is in order"), "\(drill.output) \(drill.errors)")
        let beside = try FileManager.default.contentsOfDirectory(atPath: site.folder.url.path)
        #expect(!beside.contains { $0.hasPrefix("millrace-drill") }, "the scratch folder is removed")
        let (to, keys) = (site.folder.path("backup"), site.folder.path("keys"))
        let first = try await Programs.run("millrace-server", ["backup", "--data", data, "--to", to])
        #expect(first.status == 0 && first.errors.contains("key is not in the backup"), "\(first.errors)")
        #expect(!FileManager.default.fileExists(atPath: to + "/keys"))
        let backup = try await Programs.run("millrace-server", ["backup", "--data", data, "--to", to, "--keys", keys])
        #expect(backup.status == 0, "\(backup.output) \(backup.errors)")
        #expect(await site.clients["Ada"]?.stop() == 0)
        #expect(await site.server?.stop() == 0)

        // The machine burnt down.
        try FileManager.default.removeItem(atPath: data)
        let restore = try await Programs.run(
            "millrace-server", ["restore", "--from", to, "--keys", keys, "--data", data])
        #expect(restore.status == 0, "\(restore.output) \(restore.errors)")
        let again = try await Programs.run("millrace-server", ["restore", "--from", to, "--data", data])
        #expect(again.status == 78 && again.errors.contains("is not empty"), "\(again.errors)")
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", data, "--deep"])
        #expect(fsck.status == 0, "\(fsck.output) \(fsck.errors)")
        try await site.startServer()
        // What Ada reported after the backup is sent to her again.
        try site.startClient("Ada", cores: 2)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log"))")
    }

    @Test("A project whose rows or blobs lie elsewhere is told so, not that no server has run there")
    func elsewhere() async throws {
        let site = try Site()
        let data = site.folder.path("shared")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        for (file, word) in [("database-elsewhere", "PostgreSQL"), ("blobs-location", "bucket")] {
            try Data().write(to: URL(filePath: "\(data)/\(file)"))
            for command in [["backup", "--to", site.folder.path("backup")], ["drill"]] {
                let told = try await Programs.run("millrace-server", command + ["--data", data])
                #expect(told.status == 78 && told.errors.contains(word), "\(told.errors)")
            }
            try FileManager.default.removeItem(atPath: "\(data)/\(file)")
            try Data().write(to: URL(filePath: "\(data)/millrace.sqlite"))
        }
    }

    @Test("A backup older than what was published is restored, and says so with status 1")
    func olderThanPublished() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1)
        let data = site.folder.path("server")
        let (to, keys) = (site.folder.path("backup"), site.folder.path("keys"))
        let backup = try await Programs.run("millrace-server", ["backup", "--data", data, "--to", to, "--keys", keys])
        #expect(backup.status == 0, "\(backup.errors)")
        // A submission is an entry of the log.
        try #require(try await site.millrace(["submit", project]).status == 0)
        #expect(await site.server?.stop() == 0)
        let restored = site.folder.path("restored")
        let restore = try await Programs.run(
            "millrace-server",
            ["restore", "--from", to, "--keys", keys, "--data", restored, "--published", data + "/log/checkpoint"])
        #expect(restore.status == 1, "\(restore.output) \(restore.errors)")
    }
}
