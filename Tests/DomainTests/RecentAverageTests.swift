import Domain
import Testing

@Suite("Recent average credit")
struct RecentAverageTests {
    private static let day = UTCDay.milliseconds

    @Test("Credit of a steady host approaches its daily credit, and half is left after seven days")
    func steady() {
        var average = RecentAverage.zero
        let start: Int64 = 1_790_000_000_000
        for hour in 0..<(24 * 200) as Range<Int64> {
            average.add(Credit(microcobblestones: 500_000_000), at: Timestamp(milliseconds: start + hour * 3_600_000))
        }
        // 12,000 a day; hourly grants lie a quarter of a percent above the continuous limit just after a grant.
        #expect(abs(average.perDay - 12_000) < 12_000 * 0.0025)
        let later = average.at + TimeSpan(seconds: 7 * 86_400)
        #expect(average.perDay(now: later) == average.perDay / 2)
        #expect(average.perDay(now: average.at) == average.perDay)
        #expect(average.perDay(now: Timestamp(milliseconds: 0)) == average.perDay, "a clock that was set back")
    }

    @Test("Kept entry by entry it is the sum over all entries, in whatever order they come", arguments: 1...20)
    func equalsSum(seed: UInt64) {
        var state = seed
        func draw(_ bound: Int64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33) % bound
        }
        let now: Int64 = 1_800_000_000_000
        var entries = (0..<200).map { _ in
            (
                at: Timestamp(milliseconds: now - draw(60 * Self.day)),
                credit: Credit(microcobblestones: 1 + draw(1 << 30))
            )
        }
        var sum = 0.0
        for entry in entries.reversed() {
            let age = Double(now - entry.at.milliseconds) / Double(Self.day)
            sum += entry.credit.cobblestones * Decay.halves(age / 7) * Decay.naturalLogarithmOf2 / 7
        }
        for order in 0..<3 {
            if order == 1 { entries.sort { $0.at < $1.at } }
            if order == 2 { entries.sort { $0.at > $1.at } }
            var average = RecentAverage.zero
            for (count, entry) in entries.enumerated() {
                average.add(entry.credit, at: entry.at)
                // Asking changes nothing.
                if count % 7 == 0 { _ = average.perDay(now: Timestamp(milliseconds: now)) }
            }
            let value = average.perDay(now: Timestamp(milliseconds: now))
            #expect(abs(value - sum) <= 1e-9 * sum, "\(value) and \(sum)")
            #expect(average.at == entries.map(\.at).max())
        }
    }

    @Test("Halvings are exact, and what lies between them is right to the last bits")
    func halves() {
        #expect(Decay.halves(0) == 1)
        #expect(Decay.halves(1) == 0.5)
        #expect(Decay.halves(40) == 1 / Double(1 << 40))
        #expect(abs(Decay.halves(0.5) * Decay.halves(0.5) - 0.5) < 1e-15)
        #expect(abs(Decay.halves(0.25) - 0.840_896_415_253_714_6) < 1e-15)
        #expect(Decay.halves(5000) == 0)
    }
}

@Suite("Days")
struct UTCDayTests {
    @Test(
        "Known days",
        arguments: [
            (0, "1970-01-01"), (-1, "1969-12-31"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_783, "2026-11-26"),
            (-719_162, "0001-01-01"), (2_932_896, "9999-12-31"),
        ] as [(Int64, String)])
    func known(number: Int64, text: String) {
        #expect(UTCDay(number: number).description == text)
        #expect(UTCDay(text) == UTCDay(number: number))
    }

    @Test("Text and number name the same day, for four centuries")
    func roundTrip() {
        var before = ""
        for number in Int64(-73_000)...73_000 {
            let text = UTCDay(number: number).description
            #expect(UTCDay(text)?.number == number)
            #expect(text > before)
            before = text
        }
    }

    @Test(
        "No days",
        arguments: [
            "", "2026-1-01", "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "0000-01-01", "2026-01-00",
            "2026-01-01 ", "+026-01-01", "2026/01/01", "20260101",
        ])
    func refused(text: String) { #expect(UTCDay(text) == nil) }

    @Test("A moment lies in its day, before 1970 too")
    func moments() {
        let day = UTCDay.milliseconds
        let numbers = [-day - 1, -day, -1, 0, day - 1, day].map { UTCDay(Timestamp(milliseconds: $0)).number }
        #expect(numbers == [-2, -1, -1, 0, 0, 1])
        #expect(UTCDay(Timestamp(milliseconds: .max)) == UTCDay.last)
        #expect(UTCDay(Timestamp(milliseconds: .min)) == UTCDay.first)
    }
}
