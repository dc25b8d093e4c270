import Bytes
import Domain
import FoundationEssentials
import Synchronization
import Wire

/// The session of a host with its server: a key that authenticates calls in place of signatures.
///
/// Opened when calls come often; a host that calls twice a day signs. Kept in memory only. Nothing depends on it: what
/// goes wrong with it is a reason to sign.
package final class CallSession: Sendable {
    package struct Open: Sendable {
        package var token: SessionToken
        package var key: MACKey
    }

    private struct State {
        var open: Open?
        var lastCall: ContinuousClock.Instant?
        var restsUntil: ContinuousClock.Instant?
    }

    private let project: VerifyingKey
    private let state = Mutex(State())

    /// Calls that are further apart are signed.
    private static let often: Duration = .seconds(600)
    /// After a server that gave none, maybe because it is an older one.
    private static let rest: Duration = .seconds(3600)

    /// - Parameter project: the project's key, as it was pinned.
    package init(project: VerifyingKey) { self.project = project }

    /// The session for a call that is made now.
    ///
    /// - Parameter ask: sends a request to `/v1/session`; nil: no answer that can be used.
    package func current(
        now: ContinuousClock.Instant = .now, ask: (WireSessionRequest) -> WireSessionReply?
    ) -> Open? {
        let (open, mayAsk) = state.withLock { state in
            defer { state.lastCall = now }
            let isOften = state.lastCall.map { now - $0 < Self.often } ?? false
            return (state.open, isOften && state.restsUntil.map { $0 <= now } ?? true)
        }
        if let open { return open }
        guard mayAsk else { return nil }
        let made = begin(ask)
        state.withLock { state in
            state.open = made
            if made == nil { state.restsUntil = now + Self.rest }
        }
        return made
    }

    /// The server does not know it any more.
    package func drop() { state.withLock { $0.open = nil } }

    /// One now, whatever came before.
    package func open(_ ask: (WireSessionRequest) -> WireSessionReply?) -> Open? {
        let made = begin(ask)
        state.withLock { $0.open = made }
        return made
    }

    private func begin(_ ask: (WireSessionRequest) -> WireSessionReply?) -> Open? {
        let opening = OpeningKey()
        var request = WireSessionRequest()
        request.publicKey = Data(opening.publicKey)
        guard let reply = ask(request), let token = SessionToken(bytes: Array(reply.token)),
            project.isValid(
                signature: Array(reply.signature),
                for: SessionStart.message(publicKey: opening.publicKey, reply: reply)),
            let secret = opening.open(
                SealedSecret(encapsulatedKey: Array(reply.encapsulatedKey), box: Array(reply.sealedKey)),
                purpose: SessionStart.purpose),
            secret.count == MACKey.byteCount
        else { return nil }
        return Open(token: token, key: MACKey(secret))
    }
}
