import CPosix
import ClientCore
import ClientSystem
import Domain
import Foundation
import Testing

@Suite("The local page of a running client")
struct PageServerTests {
    private struct Running {
        let folder: TemporaryFolder
        let server: ProjectServer
        let client: ClientLoopTests.Client
        let transport = HTTPTransport(userAgent: "test")

        init() throws {
            folder = try TemporaryFolder()
            server = try ProjectServer()
            try AttachingTests.attach(server, folder)
            client = ClientLoopTests.Client(folder.path)
            let path = folder.path
            #expect(eventually { (try? ControlClient.ask(ControlRequest(.status), folder: path)) != nil })
        }

        func address() throws -> String {
            try #require(try ControlClient.ask(ControlRequest(.page), folder: folder.path).page)
        }
    }

    /// What a server answers to bytes, until it closes.
    private static func say(_ bytes: [UInt8], port: Int) throws -> String {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Fault(.unreachable, "nobody listens at \(port)") }
        _ = send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            said += buffer[..<count]
        }
        return String(decoding: said, as: UTF8.self)
    }

    private static func get(_ path: String, port: Int, cookie: String = "") throws -> String {
        let head = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        return try say(Array((head + (cookie.isEmpty ? "" : "Cookie: \(cookie)\r\n") + "\r\n").utf8), port: port)
    }

    @Test("Opened through the socket, it shows the client, does what a form asks, and ends with the client")
    func wholeWay() throws {
        let running = try Running()
        let url = try #require(URL(string: try running.address()))
        let port = try #require(url.port)
        #expect(url.host == "127.0.0.1")
        let folder = "/" + url.pathComponents[1] + "/"
        let opened = try Self.get("\(url.path)?\(url.query ?? "")", port: port)
        #expect(opened.hasPrefix("HTTP/1.1 303"), "\(opened)")
        let line = try #require(opened.split(separator: "\r\n").first { $0.hasPrefix("Set-Cookie: ") })
        let cookie = String(line.dropFirst("Set-Cookie: ".count).prefix { $0 != ";" })
        let page = try Self.get(folder, port: port, cookie: cookie)
        #expect(page.hasPrefix("HTTP/1.1 200") && page.contains("Tiny") && page.contains("in_use.cores"))
        #expect(try Self.get(folder, port: port).hasPrefix("HTTP/1.1 403"))
        let form = try #require(page.firstMatch(of: /name="form" value="([0-9a-f]{64})"/)).1
        let body = "act=pause&form=\(form)"
        let head = """
            POST \(folder)act HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nCookie: \(cookie)\r\n\
            Origin: http://127.0.0.1:\(port)\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Length: \(body.utf8.count)\r\n\r\n
            """
        #expect(try Self.say(Array((head + body).utf8), port: port).hasPrefix("HTTP/1.1 303"))
        let status = try ControlClient.ask(ControlRequest(.status), folder: running.folder.path).status
        #expect(status?.pause?.reason == "you paused the client")
        #expect(try Self.get(folder + "state.json", port: port, cookie: cookie).contains("you paused the client"))
        // A second address opens the same page.
        #expect(try running.address().hasPrefix("http://127.0.0.1:\(port)\(folder)open?token="))
        #expect(running.client.stop())
        #expect(eventually { (try? Self.get(folder, port: port)) == nil }, "its port is closed")
    }

    @Test("Nobody who is refused keeps the page open")
    func strangers() throws {
        let folder = try TemporaryFolder()
        let page = try PageServer(folder: folder.path, idleSeconds: 2) { $1(ControlReply(error: "not now")) }
        let port = try #require(URL(string: page.invite())?.port)
        let answer = try Self.get("/", port: port)
        #expect(answer.hasPrefix("HTTP/1.1 404"), "\(answer)")
        #expect(
            eventually {
                _ = try? Self.get("/", port: port)
                usleep(100_000)
                return page.isOver
            })
    }

    @Test("Silent and slow browsers, many of them, and garbage hold up nobody")
    func hostile() throws {
        let running = try Running()
        let port = try #require(URL(string: try running.address())?.port)
        #expect(try Self.say([0xFF, 0, 13, 10, 13, 10], port: port).hasPrefix("HTTP/1.1 400"))
        let silent = try (0..<20).map { _ in try SilentConnection(port: port) }
        // Those that wait behind them come when the first are cut.
        #expect(try Self.get("/", port: port).hasPrefix("HTTP/1.1 404"))
        withExtendedLifetime(silent) {}
        #expect(running.client.stop())
    }

    private final class SilentConnection {
        private let file: Int32

        init(port: Int) throws {
            file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
            try #require(file >= 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }

        deinit { close(file) }
    }

    @Test("Preferences can be asked for, each with where it came from")
    func preferences() throws {
        let running = try Running()
        let rows = try #require(
            try ControlClient.ask(ControlRequest(.preferences), folder: running.folder.path).preferences)
        let report = try PreferencesReport(folder: running.folder.path, path: nil)
        #expect(rows.count == report.lines.count && rows.contains { $0.origin == "preset standard" })
        #expect(rows.map(\.field).contains("in_use.cores"))
        #expect(running.client.stop())
    }

    @Test("The running client keeps its history, and what was damaged is set aside with a message")
    func history() throws {
        let running = try Running()
        let file = "projects/\(running.server.name)/history"
        let path = running.folder.path
        #expect(eventually { (try? running.folder.text(file)) != nil }, "\(running.client.words)")
        let report = HistoryReport(folder: path)
        #expect(report.projects.map(\.site) == ["Tiny"] && report.projects[0].problem == nil)
        #expect(running.client.stop())
        try running.folder.write(file, "nonsense")
        #expect(HistoryReport(folder: path).projects[0].problem?.contains("history") == true)
        let next = ClientLoopTests.Client(path)
        #expect(eventually { next.words.contains { $0.contains("set aside as history.damaged-1") } }, "\(next.words)")
        #expect(eventually { (try? HistoryFile(folder: "\(path)/projects/\(running.server.name)").read()) != nil })
        #expect(try running.folder.text(file + ".damaged-1") == "nonsense")
        #expect(next.stop())
    }
}
