import Bytes
import Domain
import FoundationEssentials
import Wire

/// Sessions: a host signs once and gets a key with which it authenticates its calls, at a hundredth of the price of a
/// signature. The server keeps nothing: what is lost with a process, or has ended, the host asks for again.
extension ProjectServer {
    /// A host computes for months; a key that somebody has copied is worth something for a day.
    static let sessionSpan = TimeSpan(seconds: 86_400)

    /// Answers a request whose signature is that of `host`. A request that is repeated by a stranger gives him a
    /// secret that he cannot open, so it needs no number.
    ///
    /// - Parameter nonce: 12 random bytes.
    public func openSession(
        _ request: WireSessionRequest, host: HostID, nonce: [UInt8], now: Timestamp
    ) throws(RequestRefusal) -> WireSessionReply {
        let token = SessionToken(host: host, expiresAt: now + Self.sessionSpan, nonce: nonce)
        let publicKey = request.publicKey.array
        guard publicKey.count == 32,
            let sealed = SealedSecret.seal(
                keys.sessionSecret(token), to: publicKey, purpose: SessionStart.purpose)
        else { throw RequestRefusal(.badRequest, "public_key is no X25519 key of 32 bytes") }
        var reply = WireSessionReply()
        reply.token = Data(token.bytes)
        reply.encapsulatedKey = Data(sealed.encapsulatedKey)
        reply.sealedKey = Data(sealed.box)
        reply.expiresMs = UInt64(max(0, token.expiresAt.milliseconds / 1000 * 1000))
        reply.shortCalls = true
        reply.signature = Data(keys.project.sign(SessionStart.message(publicKey: publicKey, reply: reply)))
        return reply
    }

    /// Checks a call that came inside of a session. - Returns: the key of the session, for the reply.
    public func checkSession(_ envelope: CallEnvelope, now: Timestamp) throws(RequestRefusal) -> MACKey {
        let key = MACKey(keys.sessionSecret(envelope.token))
        // A token that nobody gave out has a key that nobody knows.
        guard envelope.isAuthentic(key) else {
            throw RequestRefusal(.badSession, "the code is not that of this session", advice: "open a new session")
        }
        guard envelope.token.expiresAt > now else {
            throw RequestRefusal(.badSession, "the session has ended", advice: "open a new session")
        }
        return key
    }
}
