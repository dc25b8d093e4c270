/// How long to wait after failures in a row: exponential, with full jitter, so that clients that failed together do
/// not come back together.
///
/// Source of the rule: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
public struct BackOff: Hashable, Sendable {
    /// The shortest wait, and the upper end of the first draw is twice this.
    public var minimumSeconds: Double
    public var maximumSeconds: Double
    /// A server's wish beyond this is cut to it, so that a wrong header cannot silence a client for ever.
    public var retryAfterMaxSeconds: Double

    /// - Parameter minimumSeconds: over 0. - Parameter maximumSeconds: `minimumSeconds` or more.
    public init(minimumSeconds: Double = 1, maximumSeconds: Double = 3600, retryAfterMaxSeconds: Double = 86_400) {
        precondition(minimumSeconds > 0 && maximumSeconds >= minimumSeconds && retryAfterMaxSeconds >= 0)
        self.minimumSeconds = minimumSeconds
        self.maximumSeconds = maximumSeconds
        self.retryAfterMaxSeconds = retryAfterMaxSeconds
    }

    /// - Parameter failures: in a row, 1 or more; 0 waits nothing.
    /// - Parameter random: drawn for this wait, 0 ..< 1.
    /// - Parameter retryAfterSeconds: what the server asked for; the wait is never shorter, and at most twice as long
    ///   or longer by the draw.
    public func delaySeconds(failures: Int, random: Double, retryAfterSeconds: Double? = nil) -> Double {
        guard failures > 0 else { return 0 }
        let unit = random.isFinite ? min(max(random, 0), 1) : 0
        let ceiling = self.ceiling(failures: failures)
        let drawn = minimumSeconds + unit * (ceiling - minimumSeconds)
        guard let wish = retryAfterSeconds, wish.isFinite, wish > 0 else { return drawn }
        // On top of the wish, not instead of it: everybody may have been told the same figure. Spread over as long
        // again as the wish, or over the draw where that is wider, so that a crowd comes back as a stream.
        let kept = min(wish, retryAfterMaxSeconds)
        return max(drawn, kept + unit * max(kept, ceiling))
    }

    /// The upper end of the draw: `minimum * 2^failures`, at most the maximum.
    public func ceiling(failures: Int) -> Double {
        var ceiling = minimumSeconds
        for _ in 0..<min(max(failures, 0), 64) where ceiling < maximumSeconds { ceiling *= 2 }
        return min(ceiling, maximumSeconds)
    }
}
