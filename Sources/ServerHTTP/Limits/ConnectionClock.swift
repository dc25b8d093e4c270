/// How long a connection may take for what it is doing: a function of what it is told, time in seconds of any steady
/// clock.
package struct ConnectionClock: Hashable, Sendable {
    package enum Stage: Hashable, Sendable {
        /// Between two requests.
        case waiting
        /// Some bytes of a head have come.
        case head
        case body
        /// The request is whole; it is the server's turn.
        case reply
    }

    package enum Verdict: Hashable, Sendable {
        case keep
        case cut(Cut)
    }

    /// Why a connection is ended. The raw value is the label in `/metrics`.
    package enum Cut: String, Sendable {
        case idle
        case headTooSlow = "head_too_slow"
        case bodyTooSlow = "body_too_slow"
        case replyStalled = "reply_stalled"
    }

    package private(set) var stage = Stage.waiting
    private var since: Double
    private var bodyBytes = 0
    /// Seconds of this body in which the server itself did not read.
    private var paused = 0.0
    private var pausedSince: Double?
    /// Of requests that came, and of replies that ended: a request may be sent ahead of the reply to the one before.
    private var heads = 0
    private var replies = 0
    /// Of replies: bytes that have left, and when that last grew.
    private var left = 0
    private var movedAt: Double

    package init(now: Double) {
        since = now
        movedAt = now
    }

    package mutating func bytesCame(now: Double) {
        guard stage == .waiting else { return }
        stage = .head
        since = now
    }

    package mutating func headEnded(now: Double) {
        stage = .body
        since = now
        bodyBytes = 0
        paused = 0
        pausedSince = nil
        heads += 1
    }

    private var isAnswered: Bool { replies == heads }

    package mutating func bodyCame(bytes: Int) { bodyBytes += bytes }

    package mutating func requestEnded(now: Double) {
        stage = isAnswered ? .waiting : .reply
        since = now
    }

    package mutating func replyEnded(now: Double) {
        replies = min(replies + 1, heads)
        guard isAnswered else { return }
        // A request may be refused before its body has come; the rest of it still has to come in time.
        guard stage == .reply else { return readingGoesOn(now: now) }
        stage = .waiting
        since = now
    }

    /// The server takes no more bytes for now: that is not the other side's fault. After the answer it is nobody's: a
    /// body that nobody wants any more must not keep the connection for ever.
    package mutating func readingPaused(now: Double) {
        if stage == .body, !isAnswered, pausedSince == nil { pausedSince = now }
    }

    package mutating func readingGoesOn(now: Double) {
        guard let from = pausedSince else { return }
        paused += now - from
        pausedSince = nil
    }

    /// A reply moves as long as bytes leave: that others are added to them is no movement.
    ///
    /// - Parameters:
    ///   - written: bytes of replies since the connection began.
    ///   - waiting: those of them that have not left this machine.
    package mutating func verdict(
        now: Double, written: Int, waiting: Int, limits: ServerLimits, isCrowded: Bool
    ) -> Verdict {
        if written - waiting > left || waiting == 0 {
            left = written - waiting
            movedAt = now
        }
        if waiting > 0, now - movedAt >= Double(limits.replyStallSeconds) { return .cut(.replyStalled) }
        let passed = now - since
        switch stage {
        case .reply: return .keep
        case .waiting:
            // The answer to the last request may still be on its way.
            guard waiting == 0 else { return .keep }
            let most = isCrowded ? min(limits.idleSeconds, limits.crowdedIdleSeconds) : limits.idleSeconds
            return passed >= Double(most) ? .cut(.idle) : .keep
        case .head: return passed >= Double(limits.headSeconds) ? .cut(.headTooSlow) : .keep
        case .body:
            let took = passed - paused - (pausedSince.map { now - $0 } ?? 0)
            if took >= Double(limits.bodySeconds) { return .cut(.bodyTooSlow) }
            guard limits.bodyBytesPerSecond > 0 else { return .keep }
            let allowed = Double(limits.headSeconds) + Double(bodyBytes) / Double(limits.bodyBytesPerSecond)
            return took >= allowed ? .cut(.bodyTooSlow) : .keep
        }
    }
}
