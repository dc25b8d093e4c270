import Bytes
import Domain
import Foundation
import Preferences
import Testing

@Suite("Windows of the week")
struct WindowTests {
    static func windows(_ texts: [String]) throws -> WeeklyWindows {
        let list = "[" + texts.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
        return try #require(try Text.effective(Text.file("windows.compute", list))).preferences.computeWindows
    }

    /// By the words themselves: is this day named, and is the clock between the two?
    static func slowly(_ days: Set<Int>, _ start: Int, _ end: Int, day: Int, clock: Int) -> Bool {
        if end > start { return days.contains(day) && clock >= start && clock < end }
        let yesterday = (day + 6) % 7
        return days.contains(day) && clock >= start || days.contains(yesterday) && clock < end
    }

    static let samples: [(text: String, days: Set<Int>, start: Int, end: Int)] = [
        ("daily 00:00-24:00", [0, 1, 2, 3, 4, 5, 6], 0, 1440),
        ("weekdays 22:00-06:00", [0, 1, 2, 3, 4], 1320, 360),
        ("weekend 08:30-20:15", [5, 6], 510, 1215),
        ("sun 23:00-01:00", [6], 1380, 60),
        ("mon,wed,fri 9:00-17:00", [0, 2, 4], 540, 1020),
        ("fri-mon 12:00-11:59", [4, 5, 6, 0], 720, 719),
        ("Saturday 00:00-00:01", [5], 0, 1),
        ("tue 23:59-24:00", [1], 1439, 1440),
        ("tue 23:59-00:00", [1], 1439, 1440),
    ]

    @Test("Every minute of a week is as the words say", arguments: samples.indices)
    func everyMinute(at index: Int) throws {
        let sample = Self.samples[index]
        let windows = try Self.windows([sample.text])
        for minute in 0..<WeeklyWindows.weekMinutes {
            let slow = Self.slowly(
                sample.days, sample.start, sample.end, day: minute / 1440, clock: minute % 1440)
            guard windows.contains(minute) != slow else { continue }
            Issue.record("\(sample.text) at \(WeeklyWindows.text(minute: minute))")
            return
        }
    }

    @Test("Several drawn windows are open when one of them is, and the next change is the next change")
    func drawn() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<12 {
            let drawn = (0..<Int.random(in: 1...4, using: &random)).map { _ -> WeeklyWindows.Window in
                let start = Int.random(in: 0..<1440, using: &random)
                let length = Int.random(in: 1..<1440, using: &random)
                let end = start + length <= 1440 ? start + length : start + length - 1440
                return WeeklyWindows.Window(days: UInt8.random(in: 1...127, using: &random), start: start, end: end)
            }
            let windows = try Self.windows(drawn.map(\.text))
            #expect(windows.windows == drawn, "the text reads back")
            let days = drawn.map { window in Set((0..<7).filter { window.days >> UInt8($0) & 1 == 1 }) }
            let open = (0..<WeeklyWindows.weekMinutes).map { minute in
                drawn.indices.contains { at in
                    Self.slowly(
                        days[at], drawn[at].start, drawn[at].end, day: minute / 1440, clock: minute % 1440)
                }
            }
            #expect((0..<WeeklyWindows.weekMinutes).allSatisfy { windows.contains($0) == open[$0] })
            for minute in stride(from: 0, to: WeeklyWindows.weekMinutes, by: 211) {
                let slow = (1...WeeklyWindows.weekMinutes).first {
                    open[(minute + $0) % WeeklyWindows.weekMinutes] != open[minute]
                }
                #expect(windows.minutesToChange(from: minute) == slow)
            }
        }
    }

    @Test("What is always open, or covers the week, never changes")
    func never() throws {
        #expect(WeeklyWindows.always.minutesToChange(from: 7) == nil)
        #expect(try Self.windows(["daily 00:00-24:00"]).minutesToChange(from: 7) == nil)
        #expect(try Self.windows(["daily 00:00-12:00", "daily 12:00-24:00"]).minutesToChange(from: 7) == nil)
    }

    @Test(
        "The minute of the week is the calendar's, with every offset", arguments: [-43_200, -12_600, 0, 3600, 50_400])
    func calendar(offset: Int) throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: offset))
        for step in 0..<400 {
            let seconds = -200_000_000 + step * 7_654_321
            let date = Date(timeIntervalSince1970: Double(seconds))
            let parts = calendar.dateComponents([.weekday, .hour, .minute], from: date)
            // Foundation's week begins on Sunday, with 1.
            let weekday = (try #require(parts.weekday) + 5) % 7
            let expected = weekday * 1440 + (try #require(parts.hour)) * 60 + (try #require(parts.minute))
            let found = WeeklyWindows.minute(of: Timestamp(seconds: Int64(seconds)), utcOffsetSeconds: offset)
            #expect(found == expected)
        }
    }

    @Test(
        "What is no window is refused",
        arguments: [
            "mon", "22:00-06:00", "mon 22:00", "mon 22:00-22:00", "mon 24:00-06:00", "mon 25:00-26:00",
            "mon 10:60-11:00",
            "mon 1000-1100", "mon 10:0-11:00", "mon, 10:00-11:00", "mon-tue-wed 10:00-11:00", "mon 10:00-11:00 x", "",
            "mon -1:00-11:00", "mon 00:00-00:00",
        ])
    func refused(text: String) {
        #expect(!Text.faults(Text.file("windows.compute", "\"\(text)\"")).isEmpty)
    }

    @Test("A misspelt day gets the nearest word and its own place")
    func misspelt() throws {
        let fault = try #require(
            Text.faults("windows:\n  network:\n    - mon 10:00-11:00\n    - wekdays 10:00-11:00\n").first)
        #expect(fault.line == 4 && fault.column == 7)
        #expect(fault.message == "`windows.network`: `wekdays` is no day")
        #expect(fault.suggestion == "weekdays")
    }
}
