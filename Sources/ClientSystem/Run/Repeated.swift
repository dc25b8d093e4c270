/// Keeps a trouble that goes on from filling the log: each is said once, and once an hour from then on.
package struct Repeated {
    private var saidAt: [String: Double] = [:]
    private static let hour = 3600.0
    /// More at once are no repetition.
    private static let wordsMax = 16

    package init() {}

    /// Whether it is to be said now; then it counts as said.
    ///
    /// - Parameter now: seconds of a clock that is never set.
    package mutating func isDue(_ words: String, now: Double) -> Bool {
        saidAt = saidAt.filter { now - $0.value < Self.hour }
        guard saidAt[words] == nil, saidAt.count < Self.wordsMax else { return false }
        saidAt[words] = now
        return true
    }
}
