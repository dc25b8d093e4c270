import Bytes
import ClientCore
import Domain
import Testing

@Suite("What was done, day by day")
struct HistoryTests {
    private func sums(_ results: Int64, credit: Int64 = 0, cpu: Double = 0) -> WorkSums {
        WorkSums(results: results, valid: results, cpuSeconds: cpu, microcobblestones: credit)
    }

    @Test("The first look takes what was there as before; later ones count what came, for the day")
    func growth() {
        var book = HistoryBook()
        #expect(book.note(sums(5, credit: 50), day: 100) == true)
        #expect(book.days.isEmpty && book.before.results == 5)
        #expect(book.note(sums(5, credit: 50), day: 100) == false, "nothing new")
        #expect(book.note(sums(7, credit: 80, cpu: 12), day: 100) == true)
        #expect(book.note(sums(8, credit: 90, cpu: 20), day: 102) == true)
        #expect(book.days.map(\.number) == [100, 102])
        #expect(book.days[0].sums == sums(2, credit: 30, cpu: 12))
        #expect(book.days[1].sums == sums(1, credit: 10, cpu: 8))
        #expect(book.total == sums(8, credit: 90, cpu: 20))
    }

    @Test("Counters that fell count nothing and go on from there; credit that was taken back does")
    func falling() {
        var book = HistoryBook()
        book.note(sums(10, credit: 100, cpu: 50), day: 1)
        book.note(sums(3, credit: 60, cpu: 10), day: 1)
        #expect(book.days.map(\.sums) == [sums(0, credit: -40)])
        book.note(sums(4, credit: 60, cpu: 12), day: 1)
        #expect(book.days.map(\.sums) == [sums(1, credit: -40, cpu: 2)])
    }

    @Test("A clock that is set back adds to the day that it tells; days stay in order")
    func clockSetBack() {
        var book = HistoryBook()
        for (count, day) in [(1, 10), (2, 12), (3, 9), (4, 11), (5, 10), (6, -3)] as [(Int64, Int64)] {
            book.note(sums(count), day: day)
        }
        #expect(book.days.map(\.number) == [-3, 9, 10, 11, 12])
        #expect(book.days.map(\.sums.results) == [1, 1, 1, 1, 1])
        #expect(book.total.results == 6)
    }

    @Test("At most ten years are kept; what is older stays in the sum")
    func bounded() {
        var book = HistoryBook()
        book.note(sums(0), day: 0)
        for day in 1...5000 as ClosedRange<Int64> { book.note(sums(day, credit: day * 2), day: day) }
        #expect(book.days.count == HistoryBook.daysMax)
        #expect(book.days.first?.number == 5001 - Int64(HistoryBook.daysMax))
        #expect(book.total == sums(5000, credit: 10_000))
    }

    @Test("Projects are known by name, with their first and last day, and only so many")
    func projects() {
        var book = HistoryBook()
        book.note(sums(0), day: 5, projects: ["b", "a", "a"])
        book.note(sums(0), day: 7, projects: ["a"])
        book.note(sums(0), day: 2, projects: ["b"])
        #expect(book.projects.map(\.name) == ["a", "b"])
        #expect(book.projects.map(\.firstDay) == [5, 2] && book.projects.map(\.lastDay) == [7, 5])
        for number in 0..<300 { book.note(sums(0), day: Int64(100 + number), projects: ["p\(number)"]) }
        #expect(book.projects.count == HistoryBook.projectsMax)
        #expect(!book.projects.contains { $0.name == "a" } && book.projects.contains { $0.name == "p299" })
        #expect(book.projects.map(\.name) == book.projects.map(\.name).sorted())
    }

    @Test("Whatever is killed between two saves, the sum is right afterwards")
    func killed() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            var (now, book) = (WorkSums(), HistoryBook())
            book.note(now, day: 0)
            var saved = book
            for day in 1...40 as ClosedRange<Int64> {
                now += sums(Int64.random(in: 0..<4, using: &random), credit: Int64.random(in: 0..<9, using: &random))
                book.note(now, day: day)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: saved = book
                case 1: book = saved  // it was killed, and starts with what was saved
                default: break
                }
            }
            book.note(now, day: 41)
            #expect(book.total == now)
        }
    }

    @Test("The file says what it was given, and no damaged one is believed")
    func file() throws {
        var book = HistoryBook()
        book.note(sums(1), day: 1, projects: ["x \"y\""])
        book.note(sums(9, credit: 12_345_678, cpu: 1.25), day: 20_000)
        let bytes = try HistoryCode.encode(book)
        #expect(try HistoryCode.decode(bytes) == book)
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x10
            #expect(throws: Fault.self) { try HistoryCode.decode(damaged) }
        }
        for count in 0..<bytes.count {
            #expect(throws: Fault.self) { try HistoryCode.decode(Array(bytes.prefix(count))) }
        }
    }

    @Test("A file with a right hash and impossible figures is none")
    func impossible() throws {
        for json in [
            #"{"before":{},"days":[],"projects":[]}"#,
            Self.json(days: [(5, 1), (4, 1)]), Self.json(days: [(5, 1), (5, 1)]),
            Self.json(days: [(Int64.max, 1)]), Self.json(days: [(5, Int64.max)]),
            Self.json(days: (0...3660).map { ($0, 1) }),
        ] {
            let text = json + "\n"
            let bytes = Array((text + SHA256Hash.digest(of: Array(text.utf8)).hex + "\n").utf8)
            #expect(throws: Fault.self) { try HistoryCode.decode(bytes) }
        }
        let good = Self.json(days: [(4, 1), (5, 1)]) + "\n"
        let bytes = Array((good + SHA256Hash.digest(of: Array(good.utf8)).hex + "\n").utf8)
        #expect(try HistoryCode.decode(bytes).days.count == 2)
    }

    private static func json(days: [(Int64, Int64)]) -> String {
        func sums(_ count: Int64) -> String {
            #"{"cpuSeconds":0,"failures":0,"invalid":0,"microcobblestones":0,"results":\#(count),"valid":0}"#
        }
        let rows = days.map { #"{"number":\#($0.0),"sums":\#(sums($0.1))}"# }.joined(separator: ",")
        return #"{"before":\#(sums(0)),"days":[\#(rows)],"projects":[]}"#
    }

    @Test("Bars hold every day once, whatever the time is")
    func bars() {
        var random = SeededGenerator(seed: 3)
        for span in [1, 2, 13, 29, 30, 31, 200, 900, 2000, 20_000] as [Int64] {
            for most in [1, 2, 14, 30, 60] {
                var book = HistoryBook()
                var count: Int64 = 0
                book.note(sums(0), day: 0)
                for day in [0, span - 1] + (0..<20).map({ _ in Int64.random(in: 0..<span, using: &random) }).sorted() {
                    count += 1
                    book.note(sums(count), day: day)
                }
                let bars = HistoryBars([book, book], lastDay: span - 1, barsMax: most, barsMin: 14)
                #expect(bars.bars.count <= most && !bars.bars.isEmpty)
                #expect(bars.bars.count >= min(most, 14) || bars.daysPerBar > 1)
                #expect(bars.bars.reduce(0) { $0 + $1.sums.results } == 2 * count, "\(span) \(most)")
                let starts = bars.bars.map(\.firstDay)
                #expect(zip(starts, starts.dropFirst()).allSatisfy { $1 - $0 == bars.daysPerBar })
                #expect((starts.last ?? 0) + bars.daysPerBar == span)
            }
        }
        #expect(HistoryBars([], lastDay: 5, barsMax: 30).bars.count == 1)
    }
}
