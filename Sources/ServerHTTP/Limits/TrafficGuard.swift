import Domain
import Engine
import HTTPTypes
import Hummingbird
import ServerCore
import Synchronization

/// Who may ask how often, and what is said to those who must wait. One for the whole server.
final class TrafficGuard: Sendable {
    let limits: ServerLimits
    let gate: ConnectionGate
    let bodies: BodyBudget
    let metrics: Metrics
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    private let proxies: Set<String>
    private let addresses: RateLimiter<String>
    private let networks: RateLimiter<UInt64>
    private let hosts: RateLimiter<HostID>
    private let uploads: RateLimiter<HostID>
    private let registrations: RateLimiter<String>
    private let accounts: RateLimiter<String>
    private let sessions: RateLimiter<String>
    private let exports: RateLimiter<HostID>
    private let linkCodes: RateLimiter<UInt64>
    private let allLinkCodes: RateLimiter<Int>
    private let pacer = Mutex(RetryPacer())
    private let start = ContinuousClock.now
    private let drainBegan = Mutex<ContinuousClock.Instant?>(nil)
    private let draining = Atomic(false)
    /// After `drain-seconds` and `grace-seconds`, for replies that others are slow to take: it is less than
    /// `Drain.lastWritesSeconds`, and the last writes come after it.
    private static let lastRepliesSeconds = 2

    init(limits: ServerLimits, proxies: Set<String>, metrics: Metrics) {
        self.limits = limits
        self.proxies = proxies
        self.metrics = metrics
        gate = ConnectionGate(limits: limits)
        bodies = BodyBudget(bytesMax: limits.bodyBytes)
        addresses = RateLimiter(burst: limits.addressBurst, perSecond: limits.addressPerSecond)
        networks = RateLimiter(burst: limits.networkBurst, perSecond: limits.networkPerSecond)
        hosts = RateLimiter(burst: limits.hostBurst, perSecond: limits.hostPerSecond)
        uploads = RateLimiter(burst: limits.uploadBurst, perSecond: limits.uploadPerSecond)
        registrations = RateLimiter(burst: limits.registerBurst, perSecond: limits.registerPerSecond)
        accounts = RateLimiter(burst: limits.accountBurst, perSecond: limits.accountPerSecond)
        exports = RateLimiter(burst: limits.exportBurst, perSecond: limits.exportPerSecond)
        linkCodes = RateLimiter(burst: limits.linkBurst, secondsEach: limits.linkSecondsEach)
        allLinkCodes = RateLimiter(burst: limits.linkAllBurst, secondsEach: limits.linkAllSecondsEach)
        sessions = RateLimiter(burst: limits.sessionBurst, perSecond: limits.sessionPerSecond)
    }

    // MARK: The end

    func beginDraining() {
        drainBegan.withLock { $0 = $0 ?? .now }
        draining.store(true, ordering: .relaxed)
    }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// The server is ending, and replies have had the time that requests get.
    var isHurried: Bool {
        guard isDraining, let began = drainBegan.withLock({ $0 }) else { return false }
        let patience = limits.drainSeconds + limits.graceSeconds + TrafficGuard.lastRepliesSeconds
        return began.duration(to: .now) >= .seconds(patience)
    }

    func jitter() -> Double { Double.random(in: 0..<1) }

    // MARK: Rates

    /// Behind a proxy that we trust, the client is who the proxy says: the last address in the list that is no proxy of
    /// ours. What stands before it was written by the client itself.
    func seeThroughProxy(_ request: Request, _ context: inout ServerContext) {
        let client = client(
            context.peer, forwarded: HTTPField.Name("X-Forwarded-For").flatMap { request.headers[$0] })
        guard client != context.peer else { return }
        context.peer = client
        context.network = NetworkPrefix.of(client)
    }

    /// The address of the client of a connection.
    func client(_ peer: String, forwarded: String?) -> String {
        guard let forwarded, proxies.contains(peer) else { return peer }
        let named = forwarded.split(separator: ",").map { String($0).trimmed }
        guard let client = named.last(where: { !proxies.contains($0) }), NetworkPrefix.isAddress(client) else {
            return peer
        }
        return client
    }

    /// For every request. - Throws: `.tooManyRequests`.
    func admit(_ context: ServerContext) throws(RequestRefusal) {
        try admit(context.peer, context.network)
    }

    /// - Parameter network: nil for this machine.
    func admit(_ address: String, _ network: UInt64?) throws(RequestRefusal) {
        guard network != nil || limits.countLoopback == 1 else { return }
        if let seconds = addresses.take(NetworkPrefix.holder(address)) {
            throw tooMany("address_rate", "too many requests from this address", seconds)
        }
        if let seconds = networks.take(network ?? 0) {
            throw tooMany("network_rate", "too many requests from this network", seconds)
        }
    }

    /// For a host that has signed its call. - Throws: `.tooManyRequests`.
    func admitCall(of host: HostID) throws(RequestRefusal) {
        guard let seconds = hosts.take(host) else { return }
        throw tooMany("host_rate", "too many calls of host \(host)", seconds)
    }

    /// For a host whose ticket is good. - Throws: `.tooManyRequests`.
    func admitUpload(of host: HostID) throws(RequestRefusal) {
        guard let seconds = uploads.take(host) else { return }
        throw tooMany("upload_rate", "too many uploads of host \(host)", seconds)
    }

    func admitRegistration(_ context: ServerContext) throws(RequestRefusal) {
        guard let seconds = registrations.take(NetworkPrefix.holder(context.peer)) else { return }
        throw tooMany("register_rate", "too many registrations from this address", seconds)
    }

    /// A signature and a sealed key cost a quarter of a millisecond.
    func admitSession(_ context: ServerContext) throws(RequestRefusal) {
        guard let seconds = sessions.take(NetworkPrefix.holder(context.peer)) else { return }
        throw tooMany("session_rate", "too many sessions from this address", seconds)
    }

    func admitAccount(_ context: ServerContext) throws(RequestRefusal) {
        guard let seconds = accounts.take(NetworkPrefix.holder(context.peer)) else { return }
        throw tooMany("account_rate", "too many requests from this address", seconds)
    }

    /// A page of an export looks at thousands of rows.
    func admitExport(of host: HostID) throws(RequestRefusal) {
        guard let seconds = exports.take(host) else { return }
        throw tooMany("export_rate", "too many pages of an export for host \(host)", seconds)
    }

    /// For a registration with a link code, right or wrong: so few that guessing leads nowhere (THREAT_MODEL.md has the
    /// odds). This machine's own addresses count as one network.
    func admitLinkCode(_ context: ServerContext) throws(RequestRefusal) {
        if let seconds = linkCodes.take(context.network ?? 0) {
            throw tooMany("link_rate", "too many link codes from this network", seconds)
        }
        guard let seconds = allLinkCodes.take(0) else { return }
        throw tooMany("link_rate_all", "too many link codes are being tried", seconds)
    }

    private func tooMany(_ reason: String, _ message: String, _ seconds: Double) -> RequestRefusal {
        metrics.refused(reason)
        var refusal = RequestRefusal(.tooManyRequests, message, advice: "wait as long as Retry-After says")
        refusal.retryAfterSeconds = Int(min(max(1, seconds.rounded(.up)), 3600))
        return refusal
    }

    // MARK: Having too much to do

    /// For `RetryPacer`: a call was answered, whatever the answer.
    func answered(now: ContinuousClock.Instant) {
        let seconds = start.duration(to: now).inSeconds
        pacer.withLock { $0.answered(now: seconds) }
    }

    /// - Parameter reason: the label in `/metrics`.
    func busy(_ reason: String) -> RequestRefusal {
        metrics.refused(reason)
        let seconds = start.duration(to: .now).inSeconds
        var refusal = RequestRefusal(
            .unavailable, "the server has too much to do", advice: "nothing was kept; wait as long as Retry-After says")
        refusal.retryAfterSeconds = pacer.withLock { $0.refused(now: seconds) }
        return refusal
    }
}
