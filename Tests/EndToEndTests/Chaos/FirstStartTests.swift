import Foundation
import Testing

/// The very first start makes keys, tokens, a database: killed anywhere in it, the next one goes on.
@Suite("First start killed", .placed, .serialized)
struct FirstStartTests {
    @Test("A server killed at each change of its new directory starts all the same, with one key")
    func server() async throws {
        let site = try Site()
        let folder = site.folder.path("server")
        var keys: Set<String> = []
        for change in 1...12 {
            try site.launchServer()
            let pid = try #require(site.server).pid
            _ = await FolderWatch.kill(pid, after: change, at: folder, limitMilliseconds: 800)
            site.server?.killNow()
            if let key = FileManager.default.contents(atPath: folder + "/keys/project.key") {
                keys.insert(key.base64EncodedString())
            }
        }
        try await site.startServer()
        #expect(keys.count <= 1, "a key that was once there stays")
        try await site.attach("Ada")
        #expect(await site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", folder])
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }

    @Test("A client killed while it attaches, at each change of its directory, is one host in the end")
    func client() async throws {
        let site = try Site()
        try await site.startServer()
        let folder = site.folder.path("Ada")
        for change in 1...10 {
            let attaching = try Running(
                "millrace-client", ["attach", site.url, "--name", "Ada", "--data", folder],
                outputPath: site.folder.path("attach.log"), errorPath: site.folder.path("attach.log"))
            // Now in the client's own folder, now in the project's, once that is there.
            let place = change % 2 == 0 ? folder : site.projectFolder("Ada")
            _ = await FolderWatch.kill(attaching.pid, after: 1 + change / 2, at: place, limitMilliseconds: 800)
            attaching.killNow()
        }
        try await site.attach("Ada")
        try site.startClient("Ada")
        let hosts = try await site.json(["report", "credit"]).list("hosts")
        #expect(hosts.map { $0.text("volunteer_name") } == ["Ada"])
        #expect(await site.clients["Ada"]?.stop() == 0)
    }
}
