/// Counts times in buckets whose width grows with the time, so that every quantile is right to three digits.
///
/// Bucketing of HdrHistogram (G. Tene, hdrhistogram.org): up to 2047 us each microsecond has a bucket of its own;
/// beyond, each doubling has 1024 buckets. About 190 KB, whatever is counted.
public struct LatencyHistogram: Hashable, Sendable {
    private static let magnitude = 11
    private static let half = 1 << (magnitude - 1)
    /// An hour. What is longer counts as an hour.
    public static let longestMicroseconds: UInt64 = 3_600_000_000

    private var counts: [UInt64]
    public private(set) var total: UInt64 = 0
    /// In microseconds, exact.
    public private(set) var longest: UInt64 = 0
    private var sum = 0.0

    public init() {
        counts = [UInt64](repeating: 0, count: Self.place(of: Self.longestMicroseconds) + 1)
    }

    /// - Parameter microseconds: of one call.
    public mutating func note(_ microseconds: UInt64) {
        let time = min(microseconds, Self.longestMicroseconds)
        counts[Self.place(of: time)] += 1
        total += 1
        longest = max(longest, time)
        sum += Double(time)
    }

    public mutating func add(_ other: LatencyHistogram) {
        for at in counts.indices { counts[at] += other.counts[at] }
        total += other.total
        longest = max(longest, other.longest)
        sum += other.sum
    }

    /// In microseconds; 0 when nothing was counted.
    public var mean: Double { total == 0 ? 0 : sum / Double(total) }

    /// The least time that at least this share of all calls did not exceed, at most 1/1024 too long.
    ///
    /// - Parameter share: 0 ... 1.
    /// - Returns: microseconds; 0 when nothing was counted.
    public func quantile(_ share: Double) -> UInt64 {
        guard total > 0 else { return 0 }
        let rank = max(1, UInt64((min(max(share, 0), 1) * Double(total)).rounded(.up)))
        var seen: UInt64 = 0
        for (place, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return min(Self.end(of: place), longest) }
        }
        return longest
    }

    /// How often the time has been halved until 11 bits are left; then which of the upper 1024 values it is.
    private static func place(of time: UInt64) -> Int {
        let bucket = max(0, 64 - magnitude - time.leadingZeroBitCount)
        return bucket * half + Int(time >> UInt64(bucket))
    }

    /// The longest time of a bucket.
    private static func end(of place: Int) -> UInt64 {
        let bucket = max(0, place / half - 1)
        let first = UInt64(place - bucket * half)
        return (first + 1) << UInt64(bucket) - 1
    }
}
