import Bytes
import Domain
import Testing
import Wire

@Suite struct SessionTests {
    private let token = SessionToken(
        host: HostID(rawValue: 0x0102_0304_0506), expiresAt: Timestamp(milliseconds: 1_800_000_000_000),
        nonce: [UInt8](1...12))
    private let key = MACKey([UInt8](repeating: 9, count: 32))
    private let message = Array("a message".utf8)

    @Test("A token is its 24 bytes")
    func tokens() throws {
        #expect(token.bytes.count == SessionToken.byteCount)
        #expect(Hex.encode(token.bytes) == "060504030201000000d2496b0102030405060708090a0b0c")
        #expect(SessionToken(bytes: token.bytes) == token)
        #expect(SessionToken(bytes: Array(token.bytes.dropLast())) == nil)
        #expect(SessionToken(bytes: token.bytes + [0]) == nil)
        // Host numbers begin at 1 and are positive.
        #expect(SessionToken(bytes: [UInt8](repeating: 0, count: 24)) == nil)
        #expect(SessionToken(bytes: [UInt8](repeating: 255, count: 24)) == nil)
    }

    @Test("The bytes of a call are those of the document")
    func layout() throws {
        let bytes = CallEnvelope.sealed(message, token: token, sequence: 0x1122, key: key)
        #expect(bytes[0] == 1)
        #expect(Array(bytes[1..<25]) == token.bytes)
        #expect(Array(bytes[25..<33]) == [0x22, 0x11, 0, 0, 0, 0, 0, 0])
        let signed = Array("millrace-call-v1\n".utf8) + token.bytes + Array(bytes[25..<33]) + message
        let code = HMACSHA256.code(for: signed, key: [UInt8](repeating: 9, count: 32))
        #expect(Array(bytes[33..<49]) == Array(code.prefix(16)))
        #expect(Array(bytes[49...]) == message)
    }

    @Test("A call with any bit changed is not authentic, or no call")
    func changed() throws {
        let bytes = CallEnvelope.sealed(message, token: token, sequence: 77, key: key)
        let whole = try #require(CallEnvelope(bytes: bytes))
        #expect(whole.isAuthentic(key) && whole.message == message && whole.sequence == 77 && whole.token == token)
        #expect(!whole.isAuthentic(MACKey([UInt8](repeating: 8, count: 32))))
        for at in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[at] ^= 1 << UInt8(bit)
                if let read = CallEnvelope(bytes: other) { #expect(!read.isAuthentic(key), "byte \(at), bit \(bit)") }
            }
        }
        for count in 0..<bytes.count {
            if let read = CallEnvelope(bytes: Array(bytes.prefix(count))) { #expect(!read.isAuthentic(key)) }
        }
    }

    @Test("A reply answers its own call only")
    func replies() throws {
        let bytes = CallEnvelope.sealed(message, token: token, sequence: 77, key: key)
        let call = try #require(CallEnvelope(bytes: bytes))
        let reply = call.sealedReply(Array("yes".utf8), key: key)
        #expect(CallEnvelope.openedReply(reply, token: token, sequence: 77, key: key) == Array("yes".utf8))
        #expect(CallEnvelope.openedReply(reply, token: token, sequence: 78, key: key) == nil)
        for at in reply.indices {
            var other = reply
            other[at] ^= 0x10
            #expect(CallEnvelope.openedReply(other, token: token, sequence: 77, key: key) == nil)
        }
        #expect(CallEnvelope.openedReply([], token: token, sequence: 77, key: key) == nil)
        // A call is no reply to itself.
        let code = Array(bytes[33..<49])
        #expect(CallEnvelope.openedReply(code + message, token: token, sequence: 77, key: key) == nil)
    }
}
