import Bytes
import ClientSystem
import Domain
import FoundationEssentials
import Testing
import Wire

@Suite struct CallSessionTests {
    private let project = SigningKey()
    private let start = ContinuousClock.now
    private let secret = [UInt8](1...32)

    private func reply(_ request: WireSessionRequest, by key: SigningKey) -> WireSessionReply? {
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
}
