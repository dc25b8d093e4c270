import Foundation
import Glibc
import Testing

/// A real file system that really fills up: 48 MiB in a mount namespace of the server's own.
@Suite("A disk that fills up", .placed, .serialized)
struct DiskReserveTests {
    private static let mounting = ["-rm", "/bin/sh", "-c", "mount -t tmpfs -o size=48m millrace \"$0\" && exec \"$@\""]

    private static func canMount() async -> Bool {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), let folder = try? TemporaryFolder(),
            let tried = try? Running(
                "/usr/bin/unshare", mounting + [folder.url.path, "/bin/true"], outputPath: folder.path("out"),
                errorPath: folder.path("out"))
        else { return false }
        return await tried.wait(limitSeconds: 20) == 0
    }

    @Test(
        "Uploads are refused before it is full, said everywhere, and taken again when somebody made space",
        .enabled("this system lets nobody mount", canMount))
    func fillsUp() async throws {
        let folder = try TemporaryFolder()
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let log = folder.path("log")
        let server = try Running(
            "/usr/bin/unshare",
            Self.mounting + [
                disk, Programs.path("millrace-server"), "run", "--data", disk + "/data", "--listen", "127.0.0.1:0",
            ], outputPath: log, errorPath: log)
        // The disk as the server sees it.
        let inside = "/proc/\(server.pid)/root\(disk)"
        var port = 0
        #expect(
            try await eventually {
                let address = (try? String(contentsOfFile: inside + "/data/address", encoding: .utf8)) ?? ""
                port = Int(address.split(separator: ":").last?.dropLast() ?? "") ?? 0
                return port > 0
            }, "\((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
        let token = try String(contentsOfFile: inside + "/data/admin.token", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        func ask(_ path: String) throws -> (status: Int, text: String) {
            let reply = try KeptConnection(port: port).exchange("GET", path)
            return (reply.status, String(decoding: reply.body, as: UTF8.self))
        }
        func upload() throws -> KeptConnection.Reply {
            try KeptConnection(port: port).exchange("POST", "/v1/batches", ["Authorization": "Bearer \(token)"], [1])
        }
        #expect(try ask("/healthz").status == 200)
        #expect(try upload().status == 400, "space there is, sense there is none in it")
        // 5 % of 48 MiB are 2.4 MiB; 1 MiB stays.
        let filler = inside + "/filler"
        let free = try #require(Self.free(inside))
        try Data(count: free - (1 << 20)).write(to: URL(filePath: filler))
        #expect(try await eventually { try ask("/healthz").status == 503 })
        #expect(try ask("/healthz").text.contains("disk low"))
        #expect(try ask("/readyz").status == 200)
        #expect(try ask("/metrics").text.contains("millrace_disk_state{state=\"low\"} 1\n"))
        let refused = try upload()
        #expect(refused.status == 503 && refused.fields["retry-after"] != nil)
        #expect(try await eventually { try String(contentsOfFile: log, encoding: .utf8).contains("disk low") })
        try FileManager.default.removeItem(atPath: filler)
        #expect(try await eventually { try ask("/healthz").status == 200 })
        #expect(try upload().status == 400)
        #expect(try await eventually { try String(contentsOfFile: log, encoding: .utf8).contains("space again") })
        #expect(await server.stop() == 0)
    }

    private static func free(_ path: String) -> Int? {
        var status = statvfs()
        return statvfs(path, &status) == 0 ? Int(status.f_bavail) * Int(status.f_frsize) : nil
    }
}
