import Synchronization

/// A bucket of permissions per address, refilled with time: registration costs the store a row, so it has a pace.
final class RateLimiter: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex<[String: Bucket]>([:])
    private static let addressesMax = 10_000

    init(burst: Double, perSecond: Double) {
        self.burst = burst
        self.perSecond = perSecond
    }

    func mayPass(_ address: String, now: ContinuousClock.Instant = ContinuousClock().now) -> Bool {
        buckets.withLock { buckets in
            if buckets.count >= RateLimiter.addressesMax { buckets.removeAll() }
            var bucket = buckets[address] ?? Bucket(left: burst, at: now)
            let passed = bucket.at.duration(to: now).components
            let seconds = Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
            bucket.left = min(burst, bucket.left + seconds * perSecond)
            bucket.at = now
            let may = bucket.left >= 1
            if may { bucket.left -= 1 }
            buckets[address] = bucket
            return may
        }
    }
}
