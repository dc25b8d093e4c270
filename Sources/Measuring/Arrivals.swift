/// Calls at a constant rate, whatever becomes of those before.
public struct Arrivals: Hashable, Sendable {
    /// Calls per second, over 0.
    public let rate: Double
    /// How many there are in the time of the measurement.
    public let count: Int

    /// - Parameter rate: calls per second, over 0. - Parameter seconds: over 0.
    public init(rate: Double, seconds: Double) {
        precondition(rate > 0 && seconds > 0)
        self.rate = rate
        count = max(1, Int(rate * seconds))
    }

    /// When the n-th call is due, in nanoseconds after the beginning. Not the sum of rounded gaps, so the rate is kept.
    public func due(_ number: Int) -> UInt64 { UInt64((Double(number) / rate * 1e9).rounded()) }
}

/// Sizes with weights, `1:9,8:1` for example: nine calls with one task for each call with eight.
public struct WeightedMix: Hashable, Sendable {
    private var sizes: [Int] = []

    /// - Parameter text: `SIZE` or `SIZE:WEIGHT`, separated by commas; sizes 1 ... `most`, weights 1 ... 1000.
    /// - Returns: nil when it is anything else.
    public init?(_ text: String, most: Int) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(numbers.count), let size = numbers[0], (1...most).contains(size),
                let weight = numbers.count == 2 ? numbers[1] : 1, (1...1000).contains(weight)
            else { return nil }
            sizes += [Int](repeating: size, count: weight)
        }
    }

    /// Every size as often as its weight says, far apart from its like: steps of a golden section through the list.
    public subscript(number: Int) -> Int {
        let share = Double(number) * 0.618_033_988_749_894_9
        return sizes[Int((share - share.rounded(.down)) * Double(sizes.count))]
    }
}
