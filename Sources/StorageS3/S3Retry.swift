/// When a request is sent again, and after how long. Pure.
package struct S3Retry: Hashable, Sendable {
    package var attemptsMax = 6
    var firstSeconds = 0.1
    var longestSeconds = 5.0

    package init() {}

    /// What became of one attempt.
    package enum Outcome: Hashable, Sendable {
        /// No answer, or half of one.
        case broken
        case answered(status: Int, code: String)
    }

    private static let passing: Set<String> = [
        "SlowDown", "RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable", "Throttling",
        "RequestTimeTooSkewed", "OperationAborted",
    ]

    /// - Parameters:
    ///   - attempt: from 1: the one that failed.
    ///   - random: 0 ..< 1, spreads the clients of one outage.
    /// - Returns: seconds to wait before the next attempt; nil: it is final.
    package func delay(after outcome: Outcome, attempt: Int, random: Double) -> Double? {
        guard attempt < attemptsMax else { return nil }
        switch outcome {
        case .broken: break
        case .answered(let status, let code):
            guard [408, 429, 500, 502, 503, 504].contains(status) || Self.passing.contains(code) else { return nil }
        }
        var seconds = firstSeconds
        for _ in 1..<attempt { seconds = min(longestSeconds, seconds * 2) }
        return seconds * (0.5 + random / 2)
    }
}
