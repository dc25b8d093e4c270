import ServerHTTP
import Testing

@Suite("How often the public log is published")
struct LogPaceTests {
    @Test("Up to 3,000 leaves a second: every two seconds. More: by six thousand. Very many: twenty times a second")
    func steady() {
        for (rate, expected) in [(0.0, 2.0), (10, 2), (2900, 2), (6000, 1), (24_000, 0.25), (1_000_000, 0.05)] {
            var pause = LogPace.secondsMax
            // What came during a pause is published after it.
            for _ in 0..<5 { pause = LogPace.pause(after: Int64(rate * pause), in: pause) }
            #expect(abs(pause - expected) < 0.01, "\(rate) leaves a second: \(pause)")
        }
    }

    @Test("A first publication, and one after a long trouble, are followed by one soon and not at once")
    func bounds() {
        #expect(LogPace.pause(after: 1, in: 0) == LogPace.secondsMin)
        #expect(LogPace.pause(after: 1_000_000_000, in: 3600) == LogPace.secondsMin)
        #expect(LogPace.pause(after: .max, in: 2) == LogPace.secondsMin)
        #expect(LogPace.pause(after: 5, in: 3600) == LogPace.secondsMax)
    }
}
