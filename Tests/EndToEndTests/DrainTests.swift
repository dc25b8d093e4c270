import Foundation
import Glibc
import Synchronization
import TestChild
import Testing
import Wire

/// The server ends while it is busy.
@Suite("Ending in order", .placed, .serialized)
struct DrainTests {
    private static let noRates = ["host-burst", "host-per-second", "register-burst"].flatMap {
        ["--limit", "\($0)=1000000"]
    }

    private func port(_ site: Site) throws -> Int {
        try #require(Int(site.url.split(separator: ":").last ?? ""))
    }

    @Test("SIGTERM under load: no reply is broken off, and no report that was acknowledged is lost")
    func underLoad() async throws {
        let site = try Site()
        try await site.startServer(Self.noRates)
        let project = try SmallProject.make(in: site.folder, quorum: 1, steps: 1)
        try #require(try await site.millrace(["submit", project]).status == 0)
        let port = try port(site)
        let hosts = try (0..<12).map { try LoadHost(port: port, name: "Load \($0)") }
        let crowd = Crowd(hosts)
        crowd.start(port: port)
        #expect(try await eventually { crowd.acknowledged >= 40 }, "\(site.logText("server.log"))")
        #expect(await site.server?.stop() == 0)
        await crowd.join()
        #expect(crowd.brokenOff == [])
        let acknowledged = hosts.map { Array($0.acknowledged.suffix(50)) }
        #expect(acknowledged.joined().count >= 40)
        // The public log was brought up to date before the end.
        let checkpoint = try String(contentsOfFile: site.folder.path("server/log/checkpoint"), encoding: .utf8)
        #expect(checkpoint.contains("\n"))
        try await site.startServer(Self.noRates)
        for (host, tasks) in zip(hosts, acknowledged) where !tasks.isEmpty {
            let statuses = try host.again(tasks)
            #expect(statuses.count == tasks.count)
            #expect(statuses.allSatisfy { $0 == .receiptDuplicate }, "\(statuses)")
        }
        #expect(await site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", site.folder.path("server")])
        #expect(fsck.status == 0, "\(fsck.output) \(fsck.errors)")
    }

    @Test("At SIGTERM the server is not ready first, answers on, and then ends; a second SIGTERM ends it at once")
    func order() async throws {
        let site = try Site()
        try await site.startServer(["--limit", "drain-seconds=3"])
        let port = try port(site)
        let kept = try KeptConnection(port: port)
        #expect(try kept.exchange("GET", "/readyz").status == 200)
        site.server?.process.terminate()
        #expect(try await eventually { try KeptConnection(port: port).exchange("GET", "/readyz").status == 503 })
        let answer = try KeptConnection(port: port).exchange("GET", "/v1/project")
        #expect(answer.status == 200 && answer.fields["connection"] == "close")
        #expect(await site.server?.wait(limitSeconds: 60) == 0)
        try await site.startServer(["--limit", "drain-seconds=600"])
        site.server?.process.terminate()
        #expect(try await eventually { try KeptConnection(port: port).exchange("GET", "/readyz").status == 503 })
        site.server?.process.terminate()
        #expect(await site.server?.wait(limitSeconds: 60) == 75)
    }

    @Test("Settings from a file: faults name file and line, flags win, SIGHUP changes the levels of the log")
    func settings() async throws {
        let site = try Site()
        let path = site.folder.path("server.conf")
        func write(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        try write("# comment\nsite = From the file\n\nlimit.conections = 7\n")
        let data = site.folder.path("server")
        let wrong = try await Programs.run("millrace-server", ["run", "--data", data, "--config", path])
        #expect(wrong.status == 78 && wrong.errors.contains("\(path):4: there is no limit conections"))
        let missing = try await Programs.run("millrace-server", ["run", "--data", data, "--config", path + "x"])
        #expect(missing.status == 66)
        try write("log = warning\nlimit.connections = 100\nlimit.writer-queue = 1000\n")
        try await site.startServer(["--config", path, "--limit", "writer-queue=2000"])
        let metrics = try KeptConnection(port: try port(site)).exchange("GET", "/metrics")
        let text = String(decoding: metrics.body, as: UTF8.self)
        #expect(text.contains("millrace_connections_limit 100\n"))
        #expect(text.contains("millrace_writer_queue_limit 2000\n"))
        try write("log = warning,server=info\n")
        kill(try #require(site.server?.pid), SIGHUP)
        #expect(try await eventually { site.logText("server.log").contains("the configuration was read again") })
        try write("log = loud\n")
        kill(try #require(site.server?.pid), SIGHUP)
        #expect(try await eventually { site.logText("server.log").contains("\(path):1: \"loud\" is no level") })
        #expect(await site.server?.stop() == 0)
    }
}

/// Hosts and readers of pages, a thread each.
private final class Crowd: @unchecked Sendable {
    // Each host is used by its own thread until `join` has returned.
    private let hosts: [LoadHost]
    private let state = Mutex<(running: Int, brokenOff: [String], acknowledged: Int)>((0, [], 0))

    init(_ hosts: [LoadHost]) {
        self.hosts = hosts
    }

    var acknowledged: Int { state.withLock { $0.acknowledged } }
    var brokenOff: [String] { state.withLock { $0.brokenOff } }

    func start(port: Int) {
        for host in hosts {
            run {
                var before = 0
                try host.work {
                    let new = host.acknowledged.count - before
                    before += new
                    self.state.withLock { $0.acknowledged += new }
                    return true
                }
            }
        }
        for _ in 0..<4 {
            run {
                let connection = try KeptConnection(port: port)
                while true {
                    if try connection.exchange("GET", "/").fields["connection"] == "close" { return }
                }
            }
        }
    }

    private func run(_ body: @escaping () throws -> Void) {
        state.withLock { $0.running += 1 }
        nonisolated(unsafe) let body = body
        Thread.detachNewThread { [self] in
            do { try body() } catch let error as KeptConnection.BrokenOff {
                state.withLock { $0.brokenOff.append(error.after) }
            } catch {}
            state.withLock { $0.running -= 1 }
        }
    }

    func join() async {
        while state.withLock({ $0.running }) > 0 { try? await Task.sleep(for: .milliseconds(20)) }
    }
}
