import Engine
import Testing

/// Who is turned away gets a place of his own.
struct RetryPacerTests {
    @Test func placesLieApartByTheFloorWhenNothingWasAnswered() {
        var pacer = RetryPacer(perSecondMin: 100, secondsMax: 600)
        let waits = (0..<1000).map { _ in pacer.refused(now: 5) }
        #expect(waits == waits.sorted())
        #expect(waits[0] == 2 && waits[999] == 11)
        for second in 2...11 { #expect(waits.count { $0 == second } <= 101) }
    }

    @Test func placesLieApartByHalfOfWhatWasAnswered() {
        var pacer = RetryPacer(perSecondMin: 10, secondsMax: 600)
        for step in 0..<60_000 { pacer.answered(now: Double(step) / 1000) }
        let waits = (0..<5000).map { _ in pacer.refused(now: 60) }
        #expect((10...13).contains(waits[4999]), "5,000 at 500 a second: \(waits[4999]) s")
    }

    @Test func nobodyWaitsBeyondTheBoundAndPlacesStaySpread() {
        var pacer = RetryPacer(perSecondMin: 1, secondsMax: 60)
        let waits = (0..<600).map { _ in pacer.refused(now: 0) }
        #expect(waits.allSatisfy { (1...61).contains($0) })
        for second in 3...60 { #expect(waits.count { $0 == second } <= 12) }
    }

    @Test func aPauseForgetsThePromises() {
        var pacer = RetryPacer(perSecondMin: 10, secondsMax: 600)
        for _ in 0..<100 { _ = pacer.refused(now: 0) }
        #expect(pacer.refused(now: 1000) == 2)
    }
}
