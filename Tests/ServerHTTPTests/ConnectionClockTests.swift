import ServerHTTP
import Testing

/// How long a connection may take, without any connection.
@Suite("The clock of a connection")
struct ConnectionClockTests {
    private let limits = ServerLimits()

    private func verdict(
        _ clock: inout ConnectionClock, at now: Double, written: Int = 0, waiting: Int = 0, crowded: Bool = false
    ) -> ConnectionClock.Verdict {
        clock.verdict(now: now, written: written, waiting: waiting, limits: limits, isCrowded: crowded)
    }

    @Test func betweenRequestsAMinuteAndInACrowdFiveSeconds() {
        var clock = ConnectionClock(now: 100)
        #expect(verdict(&clock, at: 159) == .keep)
        #expect(verdict(&clock, at: 160) == .cut(.idle))
        #expect(verdict(&clock, at: 104.9, crowded: true) == .keep)
        #expect(verdict(&clock, at: 105, crowded: true) == .cut(.idle))
    }

    @Test func aHeadThatDripsIsCutByItsFirstByte() {
        var clock = ConnectionClock(now: 0)
        clock.bytesCame(now: 10)
        for now in 11...24 {
            clock.bytesCame(now: Double(now))
            #expect(verdict(&clock, at: Double(now)) == .keep)
        }
        #expect(verdict(&clock, at: 25) == .cut(.headTooSlow))
    }

    @Test func aBodyMustComeAtItsPaceAndInItsTime() {
        var clock = ConnectionClock(now: 0)
        clock.bytesCame(now: 0)
        clock.headEnded(now: 0)
        #expect(verdict(&clock, at: 14) == .keep)
        clock.bodyCame(bytes: 10 * 1024)
        #expect(verdict(&clock, at: 24) == .keep)
        #expect(verdict(&clock, at: 25) == .cut(.bodyTooSlow))
        clock.bodyCame(bytes: 1 << 20)
        #expect(verdict(&clock, at: 119) == .keep)
        #expect(verdict(&clock, at: 120) == .cut(.bodyTooSlow))
    }

    @Test func timeInWhichTheServerDoesNotReadIsNotTheClients() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.readingPaused(now: 1)
        #expect(verdict(&clock, at: 1000) == .keep)
        clock.readingGoesOn(now: 1000)
        #expect(verdict(&clock, at: 1013) == .keep)
        #expect(verdict(&clock, at: 1014) == .cut(.bodyTooSlow))
    }

    @Test func whileTheServerWorksNobodyIsCut() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.requestEnded(now: 1)
        #expect(clock.stage == .reply)
        #expect(verdict(&clock, at: 10_000) == .keep)
        clock.replyEnded(now: 10_000)
        #expect(clock.stage == .waiting)
        #expect(verdict(&clock, at: 10_060) == .cut(.idle))
    }

    @Test func aRequestThatIsRefusedEarlyStillHasToEnd() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.readingPaused(now: 0.5)
        clock.replyEnded(now: 1.5)
        clock.readingPaused(now: 2)
        #expect(clock.stage == .body)
        #expect(verdict(&clock, at: 15) == .keep)
        #expect(verdict(&clock, at: 16) == .cut(.bodyTooSlow), "nobody wants it, and still it ends")
        clock.requestEnded(now: 16)
        #expect(clock.stage == .waiting)
    }

    @Test func aRequestThatWasSentAheadIsTheServersTurnToo() {
        var clock = ConnectionClock(now: 0)
        for now in 0..<3 {
            clock.headEnded(now: Double(now))
            clock.requestEnded(now: Double(now))
        }
        clock.replyEnded(now: 10)
        clock.replyEnded(now: 20)
        #expect(clock.stage == .reply, "one is owed yet")
        #expect(verdict(&clock, at: 10_000, crowded: true) == .keep)
        clock.replyEnded(now: 10_000)
        #expect(clock.stage == .waiting)
        #expect(verdict(&clock, at: 10_005, crowded: true) == .cut(.idle))
    }

    @Test func theReplyToTheRequestBeforeAnswersNoneThatIsComingIn() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.requestEnded(now: 0)
        clock.headEnded(now: 1)
        clock.readingPaused(now: 1)
        clock.replyEnded(now: 500)
        #expect(verdict(&clock, at: 1000) == .keep, "the server has not read on yet")
        clock.readingGoesOn(now: 1000)
        clock.readingPaused(now: 1001)
        #expect(verdict(&clock, at: 2000) == .keep)
        clock.readingGoesOn(now: 2000)
        clock.requestEnded(now: 2001)
        #expect(clock.stage == .reply)
        clock.replyEnded(now: 2002)
        #expect(clock.stage == .waiting)
    }

    @Test func aReplyStallsOnlyWhenNothingMoves() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.requestEnded(now: 0)
        for now in 1...100 {
            #expect(verdict(&clock, at: Double(now), written: 1 << 20, waiting: 1 << 20 - now) == .keep)
        }
        #expect(verdict(&clock, at: 129, written: 1 << 20, waiting: 1 << 20 - 100) == .keep)
        #expect(verdict(&clock, at: 130, written: 1 << 20, waiting: 1 << 20 - 100) == .cut(.replyStalled))
    }

    @Test func answersThatPileUpAreNoMovement() {
        var clock = ConnectionClock(now: 0)
        clock.headEnded(now: 0)
        clock.requestEnded(now: 0)
        for now in 0..<30 {
            #expect(verdict(&clock, at: Double(now), written: 5000 + 200 * now, waiting: 4000 + 200 * now) == .keep)
        }
        #expect(verdict(&clock, at: 30, written: 20_000, waiting: 19_000) == .cut(.replyStalled))
    }
}
