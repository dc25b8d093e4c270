/// Tokens that are good once, for a while.
package struct PageInvitations: Sendable {
    private var open: [(token: String, until: Double)] = []

    /// Somebody who asks for an address opens it soon.
    package static let seconds = 600.0
    private static let openMax = 8

    package init() {}

    /// - Parameter now: by the monotonic clock.
    package mutating func invite(now: Double, random: inout some RandomNumberGenerator) -> String {
        let token = PageSecret.make(&random)
        open.removeAll { $0.until <= now }
        if open.count >= Self.openMax { open.removeFirst() }
        open.append((token, now + Self.seconds))
        return token
    }

    /// - Returns: whether it was good; it is not any more.
    package mutating func admit(_ token: String, now: Double) -> Bool {
        open.removeAll { $0.until <= now }
        var found: Int?
        // All of them, so that the time tells nothing.
        for place in open.indices where PageSecret.isSame(open[place].token, token) { found = place }
        if let found { open.remove(at: found) }
        return found != nil
    }
}

enum PageSecret {
    /// 256 bits in hexadecimal digits.
    static func make(_ random: inout some RandomNumberGenerator) -> String {
        (0..<4).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Takes the same time wherever they differ.
    static func isSame(_ secret: String, _ other: String) -> Bool {
        let (a, b) = (Array(secret.utf8), Array(other.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
