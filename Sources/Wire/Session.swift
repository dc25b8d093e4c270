import Bytes
import Domain

/// Names a session between host and server. The server keeps nothing of it: the key follows from the token and a
/// secret, so that any process of the server knows it, also after a restart.
public struct SessionToken: Hashable, Sendable {
    public var host: HostID
    /// To the second.
    public var expiresAt: Timestamp
    /// 12 bytes.
    public var nonce: [UInt8]

    public static let byteCount = 24
    public static let nonceByteCount = 12

    public init(host: HostID, expiresAt: Timestamp, nonce: [UInt8]) {
        precondition(nonce.count == SessionToken.nonceByteCount)
        self.host = host
        self.expiresAt = expiresAt
        self.nonce = nonce
    }

    /// Host (8 bytes) and end in seconds since 1970 (4), both little-endian, then the nonce.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: SessionToken.byteCount)
        writer.put(i64: host.rawValue)
        writer.put(u32: UInt32(clamping: expiresAt.milliseconds / 1000))
        writer.put(bytes: nonce)
        return writer.bytes
    }

    /// - Returns: nil for another length than 24 bytes, or a host number below 1.
    public init?(bytes: [UInt8]) {
        guard bytes.count == SessionToken.byteCount else { return nil }
        let number = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
        let seconds = (8..<12).reduce(UInt32(0)) { $0 | UInt32(bytes[$1]) << UInt32(8 * ($1 - 8)) }
        guard let raw = Int64(exactly: number), raw > 0 else { return nil }
        host = HostID(rawValue: raw)
        expiresAt = Timestamp(milliseconds: Int64(seconds) * 1000)
        nonce = Array(bytes[12...])
    }
}

/// How a session begins.
public enum SessionStart {
    /// What `SealedSecret` is bound to.
    public static let purpose = Array("millrace-session-v1".utf8)

    /// The bytes that the project signs: `millrace-session-v1\n`, then the client's key (32 bytes), the token (24), the
    /// encapsulated key (32), the sealed key (48), and the end in milliseconds as 8 bytes, little-endian.
    public static func message(publicKey: [UInt8], reply: WireSessionReply) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(bytes: purpose + [0x0A] + publicKey)
        writer.put(bytes: Array(reply.token) + Array(reply.encapsulatedKey) + Array(reply.sealedKey))
        writer.put(i64: Int64(clamping: reply.expiresMs))
        return writer.bytes
    }
}

/// A call inside of a session, as bytes: version (1), token (24), sequence (8, little-endian), code (16), message.
///
/// The code is the first half of HMAC-SHA256 (RFC 2104) under the key of the session over `millrace-call-v1\n`, token,
/// sequence and message. The reply is a code over `millrace-reply-v1\n`, token, sequence and message, and the message.
public struct CallEnvelope: Sendable {
    public let token: SessionToken
    public let sequence: Int64
    /// A serialised `SchedulerRequest`.
    public let message: [UInt8]
    /// Token and sequence as they came.
    private let bound: [UInt8]
    private let code: [UInt8]

    public static let version: UInt8 = 1
    public static let codeByteCount = 16
    public static let headByteCount = 1 + SessionToken.byteCount + 8 + codeByteCount
    public static let path = "/v1/call"

    private static let callContext = Array("millrace-call-v1\n".utf8)
    private static let replyContext = Array("millrace-reply-v1\n".utf8)

    public static func sealed(
        _ message: [UInt8], token: SessionToken, sequence: Int64, key: MACKey
    ) -> [UInt8] {
        let bound = binding(token, sequence)
        return [version] + bound + code(callContext, bound, message, key) + message
    }

    /// - Returns: nil for what is no such envelope. Whether the code is right, `isAuthentic` says.
    public init?(bytes: [UInt8]) {
        guard bytes.count >= CallEnvelope.headByteCount, bytes[0] == CallEnvelope.version,
            let token = SessionToken(bytes: Array(bytes[1..<25]))
        else { return nil }
        let number = (25..<33).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * ($1 - 25)) }
        guard let sequence = Int64(exactly: number), sequence > 0 else { return nil }
        self.token = token
        self.sequence = sequence
        bound = Array(bytes[1..<33])
        code = Array(bytes[33..<49])
        message = Array(bytes[49...])
    }

    public func isAuthentic(_ key: MACKey) -> Bool {
        Self.isSame(code, Self.code(Self.callContext, bound, message, key))
    }

    /// - Returns: the code of the reply and the reply.
    public func sealedReply(_ reply: [UInt8], key: MACKey) -> [UInt8] {
        Self.code(Self.replyContext, bound, reply, key) + reply
    }

    /// - Returns: the reply; nil when it does not answer this call, or was changed on the way.
    public static func openedReply(
        _ bytes: [UInt8], token: SessionToken, sequence: Int64, key: MACKey
    ) -> [UInt8]? {
        guard bytes.count >= codeByteCount else { return nil }
        let reply = Array(bytes[codeByteCount...])
        let expected = code(replyContext, binding(token, sequence), reply, key)
        return isSame(Array(bytes[..<codeByteCount]), expected) ? reply : nil
    }

    private static func binding(_ token: SessionToken, _ sequence: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: SessionToken.byteCount + 8)
        writer.put(bytes: token.bytes)
        writer.put(i64: sequence)
        return writer.bytes
    }

    private static func code(
        _ context: [UInt8], _ bound: [UInt8], _ message: [UInt8], _ key: MACKey
    ) -> [UInt8] {
        Array(key.code(for: [context, bound, message]).prefix(codeByteCount))
    }

    /// Takes the same time wherever they differ.
    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
