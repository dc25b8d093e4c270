/// Counts of values by upper bounds.
struct Histogram: Sendable {
    let bounds: [Double]
    /// One more than bounds: the last is beyond all. Not summed up: `MetricsText` does that.
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    /// From a tenth of a millisecond to ten seconds.
    static var seconds: Histogram {
        Histogram(bounds: [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
        ])
    }

    var count: Int { counts.reduce(0, +) }

    mutating func add(_ value: Double) {
        sum += value
        var at = 0
        while at < bounds.count, value > bounds[at] { at += 1 }
        counts[at] += 1
    }
}

/// The parts of a scheduler call whose time is taken. The whole is the request's own histogram.
enum Stage: Int, CaseIterable, Sendable {
    /// From handing in to the start of its group.
    case queue
    /// Deciding, for a whole group.
    case transaction
    /// Making a group durable.
    case commit
    /// Inline results into the blob store.
    case blobs
    /// Signing receipts and filling in work units.
    case sign

    var word: String { "\(self)" }
}
