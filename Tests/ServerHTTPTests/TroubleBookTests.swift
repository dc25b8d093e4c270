import ServerHTTP
import Testing

/// What of a tick's troubles is worth a line in the log.
struct TroubleBookTests {
    private let start = ContinuousClock.now

    @Test func eachIsSaidOnceHoweverOftenTicksMeetIt() {
        var book = TroubleBook()
        #expect(book.tick([], now: start) == ([], false))
        #expect(book.tick(["a", "b", "a"], now: start).new == ["a", "b"])
        for tick in 1...1000 {
            let now = start + .milliseconds(100 * tick)
            // Not every tick looks at everything.
            let met = tick.isMultiple(of: 2) ? ["b", "a"] : ["a"]
            #expect(book.tick(met, now: now) == ([], false))
        }
        #expect(book.tick(["a", "c"], now: start + .seconds(100)).new == ["c"])
    }

    @Test func theyAreOverWhenNoneCameForAMinuteAndThatIsSaidOnce() {
        var book = TroubleBook()
        #expect(book.tick(["a"], now: start).new == ["a"])
        #expect(book.tick([], now: start + .seconds(59)) == ([], false))
        #expect(book.tick([], now: start + .seconds(60)) == ([], true))
        #expect(book.tick([], now: start + .seconds(61)) == ([], false))
        #expect(book.tick(["a"], now: start + .seconds(62)).new == ["a"])
    }

    @Test func whatIsKeptIsBounded() {
        var book = TroubleBook()
        let many = (0..<5000).map { "\($0)" }
        #expect(book.tick(many, now: start).new.count == 1000)
        #expect(book.tick(many, now: start + .seconds(1)).new.isEmpty)
    }
}
