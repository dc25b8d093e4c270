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
        let host = try await FrailHost(steps: 100)
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
        let halted = try await Self.halt(shell, of: host, in: data)
        try await Self.fill(inside)
        for process in halted { kill(process, SIGCONT) }
        #expect(try await eventually(limitSeconds: 300) { host.log.contains("No space left") }, "\(host.log)")
        try await Self.killAndStart(shell, of: host, starts: 2)
        try FileManager.default.removeItem(atPath: inside + "/filler")
        let isDone = try await eventually(limitSeconds: 600) {
            let held = host.held(in: data)
            return !held.isEmpty && host.finished(in: data) == held
        }
        #expect(isDone, "\(host.log)")

        // Full once more: what is finished stays.
        try await Self.fill(inside)
        let kept = host.finished(in: data)
        try await Self.killAndStart(shell, of: host, starts: 3)
        #expect(!kept.isEmpty && host.finished(in: data) == kept, "\(host.log)")
        try FileManager.default.removeItem(atPath: inside + "/filler")
        host.relay.set(.passes)
        try await host.expectAllValidOnce()
        try "".write(toFile: inside + "/end", atomically: false, encoding: .utf8)
        if let client = Self.client(of: shell) { kill(client, SIGTERM) }
        #expect(await shell.wait(limitSeconds: 120) == 0, "\(host.log)")
    }

    /// Takes the server away and stops the client and its workers with SIGSTOP, at a moment at which it holds tasks and
    /// has finished none: nothing that is reported meanwhile gives its space back, and all is still to be written.
    private static func halt(_ shell: Running, of host: FrailHost, in data: String) async throws -> [Int32] {
        var halted: [Int32] = []
        let isHalted = try await eventually(limitSeconds: 600) {
            guard !host.held(in: data).isEmpty, host.finished(in: data).isEmpty, let client = client(of: shell),
                !FrailHost.children(of: client).isEmpty
            else { return false }
            host.relay.set(.refuses)
            halted = [client]
            kill(client, SIGSTOP)
            // Only one that is stopped starts no further ones.
            halted += FrailHost.children(of: client)
            for process in halted { kill(process, SIGSTOP) }
            if !host.held(in: data).isEmpty, host.finished(in: data).isEmpty { return true }
            for process in halted { kill(process, SIGCONT) }
            host.relay.set(.passes)
            return false
        }
        try #require(isHalted, "\(host.log)")
        return halted
    }

    private static func fill(_ disk: String) async throws {
        let fill = try Running(
            "/bin/dd", ["if=/dev/zero", "of=\(disk)/filler", "bs=4096"], outputPath: "/dev/null",
            errorPath: "/dev/null")
        _ = await fill.wait(limitSeconds: 60)
    }

    /// - Parameter starts: of the client in all, this one included.
    private static func killAndStart(_ shell: Running, of host: FrailHost, starts: Int) async throws {
        kill(try #require(client(of: shell)), SIGKILL)
        let isStarted = try await eventually(limitSeconds: 300) {
            host.log.split(separator: "running in").count > starts
        }
        #expect(isStarted, "it starts: \(host.log)")
    }

    private static func client(of shell: Running) -> Int32? {
        FrailHost.children(of: shell.pid).first { process in
            let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            return name?.hasPrefix("millrace-client") == true
        }
    }
}
