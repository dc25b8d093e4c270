import ClientSystem
import Domain
import Glibc
import Testing
import Wire
import WorkerHost

@Suite("HTTP transport")
struct TransportTests {
    static func transport() -> HTTPTransport {
        var settings = HTTPSettings()
        settings.connectTimeoutSeconds = 60
        return HTTPTransport(userAgent: "millrace-test/1", settings: settings)
    }

    static func get(_ url: String, bytesMax: Int = 1 << 20, timeout: Double = 300) throws(Fault) -> HTTPResponse {
        try transport().perform(
            HTTPRequest(method: "GET", url: url, responseBytesMax: bytesMax, timeoutSeconds: timeout))
    }

    static func kind(_ body: () throws(Fault) -> Void) -> FaultKind? {
        do throws(Fault) { try body() } catch { return error.kind }
        return nil
    }

    @Test("An answer comes with its status, headers and body; the program names itself")
    func plainAnswer() throws {
        let server = try TinyServer { _ in .respond(418, headers: ["X-Thing": "A"], body: [1, 2, 3]) }
        let response = try Self.get(server.url + "/x")
        #expect(response.status == 418)
        #expect(response.headers["x-thing"] == "A")
        #expect(response.body == [1, 2, 3])
        #expect(server.requests.first?.headers["user-agent"] == "millrace-test/1")
        #expect(server.requests.first?.path == "/x")
    }

    @Test("One connection serves many requests")
    func keepAlive() throws {
        let server = try TinyServer { .respond(200, body: $0.body) }
        let transport = Self.transport()
        for number in 0..<5 {
            let body = [UInt8](repeating: UInt8(number), count: 100_000)
            let response = try transport.perform(HTTPRequest(method: "POST", url: server.url, body: body))
            #expect(response.body == body)
        }
        #expect(server.connectionCount == 1)
        #expect(server.requests.allSatisfy { $0.headers["expect"] == nil })
    }

    @Test("A request that must not be sent twice has a connection to itself")
    func freshConnection() throws {
        let server = try TinyServer { .respond(200, body: $0.body) }
        let transport = Self.transport()
        for isFresh in [false, true, false] {
            _ = try transport.perform(
                HTTPRequest(method: "POST", url: server.url, body: [1], freshConnection: isFresh))
        }
        #expect(server.connectionCount >= 2)
        let before = server.connectionCount
        _ = try transport.perform(HTTPRequest(method: "POST", url: server.url, body: [1], freshConnection: true))
        #expect(server.connectionCount == before + 1)
    }

    @Test("A server that is down is named, with advice")
    func down() throws {
        let deaf = try DeafPort()
        let url = "http://127.0.0.1:\(deaf.port)/v1/project"
        do throws(Fault) {
            _ = try Self.get(url)
            Issue.record("somebody answered")
        } catch {
            #expect(error.kind == .unreachable)
            #expect(error.message.contains(url))
            #expect(error.advice?.contains("running") == true)
        }
    }

    @Test("A connection that breaks in mid-body is an interruption")
    func dropped() throws {
        let server = try TinyServer { _ in .dropAfter([1, 2, 3], length: 100) }
        do throws(Fault) {
            _ = try Self.get(server.url)
            Issue.record("half a body was believed")
        } catch {
            #expect(error.kind == .interrupted)
            #expect(error.message.contains("3 bytes"))
        }
    }

    @Test("A server that says nothing is given up in time")
    func silent() throws {
        let server = try TinyServer { _ in .silence }
        #expect(Self.kind { () throws(Fault) in _ = try Self.get(server.url, timeout: 0.3) } == .unreachable)
    }

    @Test("Something that is no web server is told apart")
    func notHTTP() throws {
        let server = try TinyServer { _ in .raw(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) }
        #expect(Self.kind { () throws(Fault) in _ = try Self.get(server.url) } == .protocolError)
    }

    @Test("More bytes than allowed are refused")
    func oversize() throws {
        let server = try TinyServer { _ in .respond(200, body: [UInt8](repeating: 0, count: 5000)) }
        #expect(Self.kind { () throws(Fault) in _ = try Self.get(server.url, bytesMax: 4999) } == .protocolError)
        #expect(try Self.get(server.url, bytesMax: 5000).body.count == 5000)
    }

    @Test("Redirects are not followed")
    func redirect() throws {
        let server = try TinyServer { _ in .respond(302, headers: ["Location": "http://elsewhere.example/"]) }
        do throws(Fault) {
            _ = try Self.get(server.url)
            Issue.record("a redirect was followed")
        } catch {
            #expect(error.kind == .protocolError)
            #expect(error.message.contains("elsewhere.example"))
        }
    }

    @Test("What is no address is a wrong argument", arguments: ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://"])
    func badAddress(url: String) {
        #expect(Self.kind { () throws(Fault) in _ = try Self.get(url) } == .usage)
    }

    @Test("Addresses as people type them")
    func normalised() throws {
        #expect(try ServerLink.normalised("example.org:8080/") == "http://example.org:8080")
        #expect(try ServerLink.normalised("https://example.org/millrace//") == "https://example.org/millrace")
        for bad in ["", "ftp://example.org", "http://", "http://a b", "http://x/?q=1"] {
            #expect(throws: Fault.self) { try ServerLink.normalised(bad) }
        }
    }
}

@Suite("Answers of a server")
struct ServerAnswerTests {
    static let html = Array("<html><body>It works!</body></html>".utf8)

    static func project(_ answer: TinyServer.Answer) throws -> Result<WireProjectInfo, Fault> {
        let server = try TinyServer { _ in answer }
        let link = ServerLink(transport: TransportTests.transport(), serverURL: server.url)
        do throws(Fault) { return .success(try link.project()) } catch { return .failure(error) }
    }

    static func fault(_ answer: TinyServer.Answer) throws -> Fault? {
        if case .failure(let fault) = try project(answer) { return fault }
        return nil
    }

    @Test("A web page in place of a Millrace answer is named as that")
    func webPage() throws {
        let fault = try #require(try Self.fault(.respond(200, headers: ["Content-Type": "text/html"], body: Self.html)))
        #expect(fault.kind == .protocolError)
        #expect(fault.message.contains("a web page"))
        let missing = try #require(
            try Self.fault(.respond(404, headers: ["Content-Type": "text/html"], body: Self.html)))
        #expect(missing.kind == .protocolError)
        #expect(missing.message.contains("404"))
    }

    @Test("Garbage that claims to be protobuf is refused")
    func garbage() throws {
        let answer = TinyServer.Answer.respond(
            200, headers: ["Content-Type": "application/x-protobuf"], body: [UInt8](repeating: 0xFF, count: 50))
        #expect(try Self.fault(answer)?.kind == .protocolError)
    }

    @Test("A server of another protocol version is refused with advice")
    func otherVersion() throws {
        var info = WireProjectInfo()
        info.protocolVersion = 9
        let answer = TinyServer.Answer.respond(
            200, headers: ["Content-Type": "application/x-protobuf"], body: try StrictDecode.bytes(of: info))
        let fault = try #require(try Self.fault(answer))
        #expect(fault.kind == .protocolError)
        #expect(fault.message.contains("version 9"))
    }

    @Test("A proxy whose server is away counts as unreachable")
    func badGateway() throws {
        #expect(
            try Self.fault(.respond(502, headers: ["Content-Type": "text/html"], body: Self.html))?.kind == .unreachable
        )
    }

    static let refusals: [(Int, FaultKind)] = [
        (400, .badData), (401, .refused), (403, .refused), (404, .noInput), (422, .badData), (507, .interrupted),
    ]

    @Test("The server's own words and advice come through", arguments: refusals)
    func refusal(status: Int, kind: FaultKind) throws {
        var reply = WireErrorReply()
        reply.code = "some_code"
        reply.message = "what is wrong"
        reply.advice = "what to do"
        let answer = TinyServer.Answer.respond(
            status, headers: ["Content-Type": "application/x-protobuf"], body: try StrictDecode.bytes(of: reply))
        #expect(try Self.fault(answer) == Fault(kind, "what is wrong", advice: "what to do"))
    }
}
