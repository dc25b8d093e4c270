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
        /// Whether its server takes short calls.
        package var takesShort: Bool
    }

    /// What the server knows of this host, or this host of the server, so that calls need not say it again.
    private struct Shared {
        var profile: WireHostProfileMessage?
        var profileAt: ContinuousClock.Instant?
        /// The last reply with the numbers of the account.
        var account: HotReply?
        var accountAt: ContinuousClock.Instant?
    }

    private struct State {
        var open: Open?
        var lastCall: ContinuousClock.Instant?
        var restsUntil: ContinuousClock.Instant?
        var shared = Shared()
    }

    private let project: VerifyingKey
    private let state = Mutex(State())

    /// Calls that are further apart are signed.
    private static let often: Duration = .seconds(600)
    /// After a server that gave none, maybe because it is an older one.
    private static let rest: Duration = .seconds(3600)
    /// So often the profile is sent whether it has changed or not, and the numbers of the account are asked for.
    private static let profileEvery: Duration = .seconds(3600)
    private static let accountEvery: Duration = .seconds(60)

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
            (state.open, state.shared) = (made, Shared())
            if made == nil { state.restsUntil = now + Self.rest }
        }
        return made
    }

    /// The server does not know it any more.
    package func drop() { state.withLock { $0.open = nil } }

    /// One now, whatever came before.
    package func open(_ ask: (WireSessionRequest) -> WireSessionReply?) -> Open? {
        let made = begin(ask)
        state.withLock { ($0.open, $0.shared) = (made, Shared()) }
        return made
    }

    // MARK: Short calls

    /// - Returns: nil when the call must be made in full.
    package func short(_ full: HotRequest, now: ContinuousClock.Instant = .now) -> ShortCall? {
        let (open, shared) = state.withLock { ($0.open, $0.shared) }
        guard let open, open.takesShort else { return nil }
        func isFresh(_ at: ContinuousClock.Instant?, _ span: Duration) -> Bool { at.map { now - $0 < span } ?? false }
        let knowsProfile =
            isFresh(shared.profileAt, Self.profileEvery) && Self.isSame(full.profile, as: shared.profile)
        return ShortCall(
            full, host: open.token.host, knowsProfile: knowsProfile,
            withAccount: !isFresh(shared.accountAt, Self.accountEvery))
    }

    /// The server refused a short call: from now on this session's are full.
    package func refusedShort() { state.withLock { $0.open?.takesShort = false } }

    /// The reply to a short call as a full one.
    package func completed(
        _ reply: HotReply, to call: ShortCall, now: ContinuousClock.Instant = .now
    ) -> HotReply {
        var full = call.expanded(reply, project: project)
        state.withLock { state in
            if let profile = call.request.profile { (state.shared.profile, state.shared.profileAt) = (profile, now) }
            if call.request.form == .callShortWithAccount {
                (state.shared.account, state.shared.accountAt) = (reply, now)
            } else if let known = state.shared.account {
                full.creditMicrocobblestones = known.creditMicrocobblestones
                full.provisionalMicrocobblestones = known.provisionalMicrocobblestones
                full.validTasks = known.validTasks
                full.invalidTasks = known.invalidTasks
            }
        }
        return full
    }

    /// Free space changes all the time: a sixteenth more or less is the same.
    private static func isSame(_ profile: WireHostProfileMessage?, as known: WireHostProfileMessage?) -> Bool {
        guard var profile, let known else { return false }
        let (more, less) = (
            max(profile.diskFreeBytes, known.diskFreeBytes), min(profile.diskFreeBytes, known.diskFreeBytes)
        )
        guard more - less <= known.diskFreeBytes / 16 else { return false }
        profile.diskFreeBytes = known.diskFreeBytes
        return profile == known
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
        return Open(token: token, key: MACKey(secret), takesShort: reply.shortCalls)
    }
}
