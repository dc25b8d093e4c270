import Bytes
import ClientSystem
import Domain
import FoundationEssentials
import SwiftProtobuf
import Testing
import Wire

@Suite struct CallSessionTests {
    private let project = SigningKey()
    private let start = ContinuousClock.now
    private let secret = [UInt8](1...32)

    private func reply(_ request: WireSessionRequest, by key: SigningKey) -> WireSessionReply? {
        Self.reply(request, by: key, secret)
    }

    private static func reply(
        _ request: WireSessionRequest, by key: SigningKey, _ secret: [UInt8]
    ) -> WireSessionReply? {
        let publicKey = Array(request.publicKey)
        guard let sealed = SealedSecret.seal(secret, to: publicKey, purpose: SessionStart.purpose) else { return nil }
        let token = SessionToken(
            host: HostID(rawValue: 7), expiresAt: Timestamp(milliseconds: 2_000_000_000_000), nonce: [UInt8](1...12))
        var reply = WireSessionReply()
        reply.token = Data(token.bytes)
        reply.encapsulatedKey = Data(sealed.encapsulatedKey)
        reply.sealedKey = Data(sealed.box)
        reply.expiresMs = 2_000_000_000_000
        reply.signature = Data(key.sign(SessionStart.message(publicKey: publicKey, reply: reply)))
        return reply
    }

    @Test("A host that calls rarely signs; one that calls often has a session from its second call on")
    func often() {
        let session = CallSession(project: project.publicKey)
        var asked = 0
        func call(at seconds: Int) -> CallSession.Open? {
            session.current(now: start + .seconds(seconds)) { request in
                asked += 1
                return reply(request, by: project)
            }
        }
        #expect(call(at: 0) == nil)
        #expect(call(at: 700) == nil)
        #expect(call(at: 1400) == nil && asked == 0)
        #expect(call(at: 1500)?.token.host == HostID(rawValue: 7) && asked == 1)
        #expect(call(at: 5000) != nil && asked == 1)
        session.drop()
        #expect(call(at: 5001) != nil && asked == 2)
    }

    @Test("A server that gives none is left alone for an hour")
    func rest() {
        let session = CallSession(project: project.publicKey)
        var asked = 0
        func call(at seconds: Int) -> CallSession.Open? {
            session.current(now: start + .seconds(seconds)) { _ in
                asked += 1
                return nil
            }
        }
        for second in stride(from: 0, through: 3600, by: 60) { #expect(call(at: second) == nil) }
        #expect(asked == 1)
        #expect(call(at: 3660) == nil && asked == 2)
    }

    @Test("What the project has not signed, or what was changed, is no session")
    func forged() {
        let changes: [(inout WireSessionReply) -> Void] = [
            { $0.token[3] ^= 1 }, { $0.sealedKey[3] ^= 1 }, { $0.encapsulatedKey[3] ^= 1 }, { $0.expiresMs += 1 },
            { $0.signature[3] ^= 1 }, { $0.signature = Data() }, { $0.token = Data() },
        ]
        for change in changes {
            let opened = CallSession(project: project.publicKey).open { request in
                guard var made = reply(request, by: project) else { return nil }
                change(&made)
                return made
            }
            #expect(opened == nil)
        }
        #expect(CallSession(project: project.publicKey).open { reply($0, by: SigningKey()) } == nil)
        #expect(CallSession(project: project.publicKey).open { reply($0, by: project) } != nil)
    }

    @Test("Short calls tell a profile once an hour and when it changes, and ask for the account once a minute")
    func short() throws {
        let session = CallSession(project: project.publicKey)
        #expect(session.short(HotRequest(), now: start) == nil)
        _ = session.open { request in
            var made = reply(request, by: project)
            made?.shortCalls = true
            return made
        }
        var full = HotRequest()
        full.profile = WireHostProfileMessage()
        full.profile?.diskFreeBytes = 1600
        func call(at seconds: Int, disk: UInt64) throws -> (profile: Bool, account: Bool, credit: Int64) {
            full.profile?.diskFreeBytes = disk
            let short = try #require(session.short(full, now: start + .seconds(seconds)))
            let withAccount = short.request.form == .callShortWithAccount
            var answer = HotReply()
            answer.creditMicrocobblestones = withAccount ? Int64(seconds) + 1 : 0
            let got = session.completed(answer, to: short, now: start + .seconds(seconds))
            return (short.request.profile != nil, withAccount, got.creditMicrocobblestones)
        }
        #expect(try call(at: 0, disk: 1600) == (true, true, 1))
        #expect(try call(at: 1, disk: 1700) == (false, false, 1))
        #expect(try call(at: 2, disk: 1701) == (true, false, 1))
        #expect(try call(at: 60, disk: 1701) == (false, true, 61))
        #expect(try call(at: 119, disk: 1600) == (false, false, 61))
        #expect(try call(at: 3602, disk: 1701) == (true, true, 3603))
        session.refusedShort()
        #expect(session.short(full, now: start) == nil)
    }

    @Test("A server that takes no short calls gets full ones")
    func full() {
        let session = CallSession(project: project.publicKey)
        _ = session.open { reply($0, by: project) }
        #expect(session.short(HotRequest()) == nil)
    }

    /// Answers as a server does that takes short calls, or only says so.
    private func server(takesShort: Bool) throws -> TinyServer {
        let (project, secret) = (project, secret)
        return try TinyServer { request in
            func answer(_ status: Int, _ message: some SwiftProtobuf.Message) -> TinyServer.Answer {
                .respond(
                    status, headers: ["Content-Type": HTTPResponse.protobuf],
                    body: (try? message.serializedBytes()) ?? [])
            }
            switch request.path {
            case "/v1/session":
                guard let asked = try? WireSessionRequest(serializedBytes: request.body),
                    var made = CallSessionTests.reply(asked, by: project, secret)
                else { return answer(400, WireErrorReply()) }
                made.shortCalls = true
                return answer(200, made)
            case "/v1/call":
                guard let envelope = CallEnvelope(bytes: request.body),
                    let call = try? HotRequest(bytes: envelope.message, limit: 1 << 16)
                else { return answer(400, WireErrorReply()) }
                if call.form != .callFull && !takesShort { return answer(400, WireErrorReply()) }
                var reply = HotReply()
                reply.serverTimeMs = call.profile == nil ? 1 : 2
                return .respond(200, body: envelope.sealedReply(reply.encoded, key: MACKey(secret)))
            default: return answer(200, WireSchedulerReply())
            }
        }
    }

    @Test("Calls are short where the server takes them, and full again where it does not", arguments: [true, false])
    func links(takesShort: Bool) throws {
        let server = try server(takesShort: takesShort)
        let link = ServerLink(
            transport: HTTPTransport(userAgent: "test"), serverURL: server.url, project: project.publicKey)
        let key = SigningKey()
        var request = WireSchedulerRequest()
        request.profile.name = "host"
        var times: [UInt64] = []
        for sequence in 1...4 {
            let answer = link.call(request, host: HostID(rawValue: 7), sequence: Int64(sequence), key: key)
            times.append(try answer.get().serverTimeMs)
        }
        // The first one is signed. Short ones leave out the profile once it is known.
        #expect(times == (takesShort ? [0, 2, 1, 1] : [0, 2, 2, 2]))
        let calls = server.requests.filter { $0.path == "/v1/call" }
        #expect(calls.count == (takesShort ? 3 : 4))
        #expect(calls.allSatisfy { $0.headers["accept"] == nil && $0.headers["user-agent"] == nil })
    }
}
