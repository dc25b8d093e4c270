import Engine
import Testing

/// Waits after failures.
struct BackOffTests {
    private let backOff = BackOff(minimumSeconds: 2, maximumSeconds: 60, retryAfterMaxSeconds: 600)

    @Test func ceilingDoublesUpToTheMaximum() {
        #expect((0...6).map { backOff.ceiling(failures: $0) } == [2, 4, 8, 16, 32, 60, 60])
        #expect(backOff.ceiling(failures: .max) == 60)
    }

    @Test func drawnWaitLiesBetweenMinimumAndCeiling() {
        #expect(backOff.delaySeconds(failures: 0, random: 0.9) == 0)
        for failures in 1...70 {
            #expect(backOff.delaySeconds(failures: failures, random: 0) == 2)
            var last = 0.0
            for step in 0..<100 {
                let delay = backOff.delaySeconds(failures: failures, random: Double(step) / 100)
                #expect(delay >= max(last, 2) && delay <= backOff.ceiling(failures: failures))
                last = delay
            }
        }
        #expect(backOff.delaySeconds(failures: 3, random: 0.5) == 9)
    }

    @Test func retryAfterIsNeverUndercutAndNeverEndless() {
        #expect(backOff.delaySeconds(failures: 1, random: 0, retryAfterSeconds: 100) == 100)
        #expect(backOff.delaySeconds(failures: 1, random: 0.5, retryAfterSeconds: 100) == 150)
        #expect(backOff.delaySeconds(failures: 6, random: 0.99, retryAfterSeconds: 1) > 50)
        #expect(backOff.delaySeconds(failures: 1, random: 0, retryAfterSeconds: 1e12) == 600)
        for useless in [Double.nan, .infinity, -1, 0] {
            #expect(backOff.delaySeconds(failures: 1, random: 0, retryAfterSeconds: useless) == 2)
        }
    }

    @Test func randomNumbersOutOfRangeAreCut() {
        #expect(backOff.delaySeconds(failures: 1, random: .nan) == 2)
        #expect(backOff.delaySeconds(failures: 1, random: -3) == 2)
        #expect(backOff.delaySeconds(failures: 1, random: 5) == 4)
    }
}
