import Foundation
import Testing

/// A client whose disk, a small one of its own, fills up to the last byte.
@Suite("Nothing is lost: full disk", .placed, .serialized)
struct FullDiskTests {
    /// Starts the client on a small disk, a copy of its folder on it, and again whenever it is killed.
    private static let script =
        "mount -t tmpfs -o size=160m millrace \"$0\" && cp -a \"$1\" \"$0/data\" && shift && "
        + "while [ ! -e \"$0/end\" ]; do \"$@\" --data \"$0/data\"; done"

    private static func unshare(_ arguments: [String], log: String) throws -> Running {
        try Running(
            "/usr/bin/unshare", ["-rm", "/bin/sh", "-c"] + arguments,
            environment: ["MILLRACE_WORKER": Programs.path("millrace-worker")], outputPath: log, errorPath: log)
    }

    private static func canMount() async -> Bool {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), let folder = try? TemporaryFolder(),
            let tried = try? unshare(
                ["mount -t tmpfs -o size=1m millrace \"$0\"", folder.url.path], log: folder.path("log"))
        else { return false }
        return await tried.wait(limitSeconds: 20) == 0
    }

    @Test(
        "Filled in mid-work, killed and started while it is full: it waits, says so, and later reports all",
        .enabled("this system lets nobody mount", canMount))
    func fillsUp() async throws {
        // Long enough that most of the work is not done, and none reported, when the server goes.
        let host = try await FrailHost(steps: 200)
        try "preset: maximum\ndisk:\n  keep_free: 0 B\n"
            .write(toFile: host.data + "/preferences.yaml", atomically: true, encoding: .utf8)
        let (disk, log) = (host.site.folder.path("disk"), host.site.folder.path("Ada.log"))
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let shell = try Self.unshare(
            [
                Self.script, disk, host.data, Programs.path("millrace-client"), "run", "--always", "--cores", "2",
                "--buffer-seconds", "100000",
            ], log: log)
        // The disk as the client sees it.
        let inside = "/proc/\(shell.pid)/root\(disk)"
        let data = inside + "/data"
        try await host.holdAll(in: data)
        host.relay.set(.refuses)
        #expect(try await eventually(limitSeconds: 900) { !host.finished(in: data).isEmpty }, "\(host.log)")
        let fill = try Running(
            "/bin/dd", ["if=/dev/zero", "of=\(inside)/filler", "bs=4096"], outputPath: "/dev/null",
            errorPath: "/dev/null")
        _ = await fill.wait(limitSeconds: 60)
        #expect(try await eventually { host.log.contains("No space left") }, "\(host.log)")
        let kept = host.finished(in: data)
        let client = try #require(Self.client(of: shell))
        kill(client, SIGKILL)
        #expect(try await eventually { host.log.split(separator: "running in").count >= 3 }, "it starts: \(host.log)")
        #expect(host.finished(in: data).isSuperset(of: kept))
        try FileManager.default.removeItem(atPath: inside + "/filler")
        let isDone = try await eventually(limitSeconds: 900) { host.finished(in: data) == host.held(in: data) }
        #expect(isDone, "\(host.log)")
        host.relay.set(.passes)
        try await host.expectAllValidOnce()
        try "".write(toFile: inside + "/end", atomically: false, encoding: .utf8)
        if let client = Self.client(of: shell) { kill(client, SIGTERM) }
        #expect(await shell.wait(limitSeconds: 120) == 0, "\(host.log)")
    }

    private static func client(of shell: Running) -> Int32? {
        FrailHost.children(of: shell.pid).first { process in
            let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            return name?.hasPrefix("millrace-client") == true
        }
    }
}
