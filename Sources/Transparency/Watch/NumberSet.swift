/// Numbers that were seen, a bit for each: those of a ledger come nearly in order.
public struct NumberSet: Sendable {
    private var words: [Int64: UInt64] = [:]

    public init() {}

    public func contains(_ number: Int64) -> Bool {
        words[number >> 6, default: 0] >> UInt64(number & 63) & 1 == 1
    }

    /// - Returns: whether it is new.
    public mutating func insert(_ number: Int64) -> Bool {
        guard !contains(number) else { return false }
        words[number >> 6, default: 0] |= 1 << UInt64(number & 63)
        return true
    }
}
