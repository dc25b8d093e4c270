import Bytes
import Domain
import Foundation
import ServerCore
import ServerHTTP
import Storage
import Testing
import Transparency

@Suite("The public log as files, and how it goes")
struct PublicLogTests {
    private func temporary() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private func fill(_ store: any Store, _ count: Int) throws {
        try store.transaction { tx in
            for number in 0..<count {
                let act = LoggedAdminAct(actor: "admin", act: "act", object: "batch \(number)")
                let leaf = try LedgerLeaf(at: Timestamp(seconds: Int64(number)), event: .adminAct(act)).encoded()
                _ = try tx.appendLogLeaf(leaf)
            }
        }
    }

    private func size(_ site: LiveSite) throws -> Int64? {
        let folder = LogFolder(path: site.folder.path + "/log")
        guard let bytes = try folder.read("checkpoint"), let note = try? SignedNote(bytes) else { return nil }
        return try? Checkpoint(text: note.text).size
    }

    @Test("An edge that is lost or broken behind many leaves is made again, and the log goes on")
    func lostEdge() async throws {
        let folder = try temporary()
        let store = LiveSite.SharedStore()
        try fill(store.store, 9000)
        let first = try await LiveSite.start(store: store, folder: folder)
        try await LiveSite.eventually { try size(first) == 9000 }
        await first.stop()
        try store.store.transaction { try $0.saveLogEdge([1, 2, 3]) }
        let second = try await LiveSite.start(store: store, folder: folder)
        _ = try await second.submit()
        try await LiveSite.eventually { try (size(second) ?? 0) > 9000 }
        #expect(try await second.probe.send("GET", "/healthz").text.contains("log ok"))
        let key = try NoteKey(text: try await second.probe.send("GET", "/log/key").text.split(separator: "\n")[0])
        await second.stop()
        var verifier = LogVerifier(LogFolder(path: folder.path + "/log"), key: key)
        #expect(try verifier.run().isClean)
        await second.end()
    }

    @Test("While it cannot be published, health, metrics and batch list say so; afterwards that it is complete")
    func behind() async throws {
        let folder = try temporary()
        let blocked = folder.appending(path: "log")
        try "in the way".write(to: blocked, atomically: true, encoding: .utf8)
        let store = LiveSite.SharedStore()
        try fill(store.store, 7)
        let site = try await LiveSite.start(store: store, folder: folder)
        try await LiveSite.eventually {
            try await site.probe.send("GET", "/healthz").text.contains("log behind")
        }
        let health = try await site.probe.send("GET", "/healthz")
        #expect(health.status == 200, "what volunteers report is safe")
        #expect(!health.text.contains(folder.path))
        let metrics = try await site.probe.send("GET", "/metrics").text
        #expect(metrics.contains("\nmillrace_log_behind 1\n"))
        #expect(metrics.contains("\nmillrace_log_complete_seconds "))
        let list = try await site.probe.send("GET", "/v1/batches", site.admin).text
        #expect(list.contains("not published for"))
        try FileManager.default.removeItem(at: blocked)
        try await LiveSite.eventually {
            try await site.probe.send("GET", "/healthz").text.contains("log ok")
        }
        #expect(try size(site) == 7)
        #expect(try await site.probe.send("GET", "/metrics").text.contains("\nmillrace_log_behind 0\n"))
        #expect(!(try await site.probe.send("GET", "/v1/batches", site.admin).text.contains("not published")))
        await site.end()
    }

    @Test("A folder that was lost is not written anew by a running server: `log rebuild` does that")
    func lostFolder() async throws {
        let folder = try temporary()
        let store = LiveSite.SharedStore()
        try fill(store.store, 300)
        let first = try await LiveSite.start(store: store, folder: folder)
        try await LiveSite.eventually { try size(first) == 300 }
        await first.stop()
        let log = LogFolder(path: folder.path + "/log")
        let whole = try log.paths().reduce(into: [:]) { $0[$1] = try log.read($1) }
        try FileManager.default.removeItem(atPath: log.path)
        let second = try await LiveSite.start(store: store, folder: folder)
        try await LiveSite.eventually {
            try await second.probe.send("GET", "/healthz").text.contains("log behind")
        }
        #expect(try size(second) == nil)
        let token = try await second.probe.send("GET", "/v1/batches", second.admin).text
        #expect(token.contains("log rebuild"))
        let keys = ServerKeys(project: try #require(try ServerFiles(path: folder.path).presentProjectKey()))
        await second.stop()
        _ = try LogRebuild(disk: log, store: store.store, keys: keys).run(
            acceptingRollback: nil, now: Timestamp(seconds: 5))
        #expect(try log.paths().reduce(into: [:]) { $0[$1] = try log.read($1) } == whole)
        await second.end()
    }

    @Test("Folders that were set aside are found again, beside the new one")
    func setAside() throws {
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = LogFolder(path: folder.path + "/log")
        #expect(!log.isThere)
        #expect(try log.paths() == [] && log.oldNumbers() == [])
        try log.write("checkpoint", [1])
        try log.write("tile/0/x001/234.p/5", [2])
        #expect(try log.paths().sorted() == ["checkpoint", "tile/0/x001/234.p/5"])
        try log.setAside(as: 3)
        #expect(!log.isThere)
        #expect(try log.oldNumbers() == [3] && log.readOld(3, "checkpoint") == [1])
        #expect(try log.readOld(3, "tile/0/x001/234.p/5") == [2] && log.readOld(4, "checkpoint") == nil)
        try log.write("checkpoint", [4])
        try log.remove("checkpoint")
        #expect(try log.read("checkpoint") == nil)
        #expect(throws: Fault.self) { try log.setAside(as: 3) }
    }
}
