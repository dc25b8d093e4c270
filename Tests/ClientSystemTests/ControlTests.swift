import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing

@Suite("A running client can be asked")
struct ControlTests {
    /// A client of one project in this process.
    private func client() throws -> (TemporaryFolder, ProjectServer, ClientLoopTests.Client) {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        let client = ClientLoopTests.Client(folder.path)
        #expect(eventually { (try? ask(.status, folder)) != nil })
        return (folder, server, client)
    }

    @discardableResult
    private func ask(
        _ command: ControlRequest.Command, _ folder: TemporaryFolder,
        _ change: (inout ControlRequest) -> Void = { _ in }
    ) throws -> ControlReply {
        var request = ControlRequest(command)
        change(&request)
        return try ControlClient.ask(request, folder: folder.path)
    }

    private func pause(_ folder: TemporaryFolder) throws -> ClientStatus.Pause? {
        try ask(.status, folder).status?.pause
    }

    @Test("Pause, with and without an end, and resume")
    func pausing() throws {
        let (folder, server, client) = try client()
        #expect(try pause(folder) == nil)
        let reply = try ask(.pause, folder) { $0.seconds = 7200 }
        #expect(reply.ok && reply.done == "paused for 2 h; `resume` ends it sooner")
        let paused = try #require(try ask(.status, folder).status)
        #expect(!paused.computing && paused.pause?.reason == "you paused the client")
        let hold = try #require(paused.projects[0].holds?.first)
        #expect(hold.code == .paused && hold.untilMs.map { $0 - paused.writtenAtMs > 7_100_000 } == true)
        try ask(.resume, folder)
        #expect(try pause(folder) == nil)
        #expect(try ask(.pause, folder).done == "paused until `resume`")
        #expect(try pause(folder)?.until == "you resume it")
        #expect(client.stop())
        withExtendedLifetime(server) {}
    }

    @Test("A pause outlives the client")
    func restart() throws {
        let (folder, server, client) = try client()
        try ask(.pause, folder)
        #expect(client.stop())
        #expect(throws: Fault.self) { try ask(.status, folder) }
        let next = ClientLoopTests.Client(folder.path)
        #expect(eventually { (try? pause(folder))??.reason == "you paused the client" })
        #expect(next.stop())
        withExtendedLifetime(server) {}
    }

    @Test("The pause of one project is not the others'; that of all holds for those that come later, too")
    func oneOfSeveral() throws {
        let folder = try TemporaryFolder()
        let servers = try (0..<3).map { _ in try ProjectServer() }
        for server in servers.prefix(2) { try AttachingTests.attach(server, folder) }
        let client = ClientLoopTests.Client(folder.path)
        func paused() throws -> [String: Bool] {
            let status = try #require(try ask(.status, folder).status)
            return Dictionary(
                uniqueKeysWithValues: status.projects.map {
                    ($0.name, $0.holds?.contains { $0.code == .paused } == true)
                })
        }
        #expect(eventually { (try? paused().count) == 2 }, "\(client.words)")
        let names = servers.map(\.name)
        try ask(.pause, folder) { $0.project = names[0] }
        #expect(try paused() == [names[0]: true, names[1]: false])
        #expect(try pause(folder) == nil, "the client as a whole is not paused")
        try AttachingTests.attach(servers[2], folder)
        #expect(eventually { servers[2].calls > 0 }, "\(client.words)")
        #expect(try paused() == [names[0]: true, names[1]: false, names[2]: false])
        try ask(.pause, folder)
        #expect(try pause(folder)?.reason == "you paused the client")
        _ = try Attachment.detach(servers[2].url, data: folder.path, force: false)
        #expect(eventually { client.projects.count == 2 })
        #expect(client.stop())
        // Known after a restart.
        let next = ClientLoopTests.Client(folder.path)
        #expect(eventually { (try? paused().count) == 2 }, "\(next.words)")
        try AttachingTests.attach(servers[2], folder)
        #expect(eventually { (try? paused().count) == 3 })
        #expect(try paused().values.allSatisfy { $0 })
        #expect(next.stop())
    }

    @Test("No new work, of all projects or of one; finish ends the client")
    func newWork() throws {
        let (folder, server, client) = try client()
        func codes() throws -> [ClientStatus.Hold.Code] {
            try #require(try ask(.status, folder).status).projects[0].holds?.map(\.code) ?? []
        }
        try ask(.newWork, folder) { $0.allowed = false }
        #expect(try codes() == [.noNewWork])
        let name = try #require(try ask(.status, folder).status).projects[0].name
        try ask(.newWork, folder) {
            $0.allowed = true
            $0.project = name
        }
        #expect(try codes() == [])
        try ask(.finish, folder)
        #expect(eventually { client.isOver } && client.fault == nil)
        withExtendedLifetime(server) {}
    }

    @Test("What cannot be done is said, with the reason")
    func refusals() throws {
        let (folder, server, client) = try client()
        func refusal(_ command: ControlRequest.Command, _ change: (inout ControlRequest) -> Void) -> String? {
            do {
                try ask(command, folder, change)
                return nil
            } catch { return (error as? Fault).flatMap { $0.kind == .refused ? $0.message : nil } }
        }
        #expect(refusal(.abortTask) { $0.task = "1.2#3" } == "there is no task 1.2#3")
        #expect(refusal(.suspendTask) { _ in } == "suspend-task needs task")
        #expect(refusal(.newWork) { _ in } == "new-work needs allowed: true or false")
        #expect(
            refusal(.stop) { $0.project = server.name }
                == "stop ends the whole client: `pause` or `finish` can be of one project")
        for seconds in [0, -1, 1e9] {
            #expect(refusal(.pause) { $0.seconds = seconds } != nil, "\(seconds)")
        }
        #expect(refusal(.forgive) { $0.project = "nowhere" }?.contains("not attached to \"nowhere\"") == true)
        #expect(client.stop())
        withExtendedLifetime(server) {}
    }

    @Test("Garbage, too much, and silence get an answer or an end, and hold up nobody")
    func hostile() throws {
        let (folder, server, client) = try client()
        func said(_ bytes: [UInt8]) throws -> String {
            let socket = try RawSocket(folder.path)
            socket.send(bytes)
            return socket.line()
        }
        #expect(try said(Array("x\n".utf8)).contains("expected a JSON object with a command: status, pause"))
        #expect(try said(Array("{\"command\": \"fly\"}\n".utf8)).contains("\"ok\":false"))
        #expect(try said([UInt8](repeating: 65, count: 1 << 20)) == "")
        #expect(try said(Array("{\"command\": \"pause\", \"hours\": 2}\n".utf8)).contains("there is no field hours"))
        #expect(try pause(folder) == nil, "nothing was done")
        let silent = try (0..<3).map { _ in try RawSocket(folder.path) }
        #expect(try ask(.status, folder).ok)
        // As many as are attended at once: one more is told, and nobody waits.
        let more = try (0..<8).map { _ in try RawSocket(folder.path) }
        do { try ask(.status, folder) } catch let fault as Fault {
            #expect(fault.message == "8 others are asking; try again")
        }
        withExtendedLifetime((silent, more)) {}
        var status = stat()
        #expect(stat("\(folder.path)/control", &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(client.stop())
        #expect(stat("\(folder.path)/control", &status) != 0, "it takes its socket along")
        withExtendedLifetime(server) {}
    }

    @Test("Why: what status says, each with what would have to change")
    func why() throws {
        let (folder, server, client) = try client()
        try ask(.pause, folder)
        let report = WhyReport(try #require(try ask(.status, folder).status))
        #expect(!report.computing)
        let pause = try #require(report.findings.first { $0.subject == "computing" })
        #expect(pause.reason == "you paused the client" && pause.until == "you resume it")
        let lines = report.lines(nowMs: (pause.sinceMs ?? 0) + 60_000)
        #expect(lines.first == "It does not compute.")
        #expect(lines.contains("computing: you paused the client, for 60 s"))
        #expect(client.stop())
        let over = WhyReport(try DataDirectory.status(in: folder.path))
        #expect(over.findings.map(\.subject) == ["client"])
        withExtendedLifetime(server) {}
    }
}

/// A connection that says what a test wants.
private final class RawSocket {
    private let file: Int32

    init(_ folder: String) throws {
        file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(folder)/control".utf8)
        try #require(path.count < 107)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path + [0]) }
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isConnected)
    }

    deinit { close(file) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// The next line, or what came before the other side closed.
    func line() -> String {
        var said: [UInt8] = []
        var byte: UInt8 = 0
        while read(file, &byte, 1) == 1, byte != UInt8(ascii: "\n") { said.append(byte) }
        return String(decoding: said, as: UTF8.self)
    }
}
