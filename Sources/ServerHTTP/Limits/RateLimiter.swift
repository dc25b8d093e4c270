import Synchronization

/// A bucket of permissions per address, network or host, refilled with time.
///
/// A bucket that is full says nothing, so only those that were used lately are kept: in two generations of which the
/// older is forgotten as a whole. Whoever is forgotten begins with a full bucket.
package final class RateLimiter<Key: Hashable & Sendable>: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private struct Buckets {
        var young: [Key: Bucket] = [:]
        var old: [Key: Bucket] = [:]
    }

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex(Buckets())
    private let keysMax: Int

    /// - Parameter keysMax: of one generation; about 100 bytes each.
    package init(burst: Int, perSecond: Int, keysMax: Int = 100_000) {
        self.burst = Double(burst)
        self.perSecond = Double(perSecond)
        self.keysMax = keysMax
    }

    /// For what may happen less often than once a second.
    package init(burst: Int, secondsEach: Int, keysMax: Int = 100_000) {
        self.burst = Double(burst)
        perSecond = 1 / Double(secondsEach)
        self.keysMax = keysMax
    }

    /// Takes one permission. - Returns: nil when there was one, else the seconds until there is the next.
    package func take(_ key: Key, now: ContinuousClock.Instant = ContinuousClock().now) -> Double? {
        buckets.withLock { buckets in
            if buckets.young.count >= keysMax {
                buckets.old = buckets.young
                buckets.young = [:]
            }
            var bucket = buckets.young[key] ?? buckets.old[key] ?? Bucket(left: burst, at: now)
            bucket.left = min(burst, bucket.left + max(0, bucket.at.duration(to: now).inSeconds) * perSecond)
            // Two threads may have looked at the clock in the other order.
            bucket.at = max(bucket.at, now)
            let may = bucket.left >= 1
            if may { bucket.left -= 1 }
            buckets.young[key] = bucket
            return may ? nil : (1 - bucket.left) / perSecond
        }
    }
}
