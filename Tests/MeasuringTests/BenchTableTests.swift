import Foundation
import Measuring
import Testing

@Suite("Arrivals, mixes, tables")
struct BenchTableTests {
    @Test("Arrivals keep their rate", arguments: [1.0, 3, 333.3, 41_234.5])
    func arrivals(rate: Double) {
        let arrivals = Arrivals(rate: rate, seconds: 10)
        #expect(arrivals.count == Int(rate * 10))
        for number in [0, 1, arrivals.count - 1] {
            #expect(abs(Double(arrivals.due(number)) - Double(number) / rate * 1e9) <= 1)
        }
    }

    @Test("A mix has every size by its weight")
    func mix() throws {
        let mix = try #require(WeightedMix("1:6,8:3,64", most: 64))
        var counts: [Int: Int] = [:]
        for number in 0..<10_000 { counts[mix[number], default: 0] += 1 }
        #expect(Set(counts.keys) == [1, 8, 64])
        for (size, share) in [(1, 0.6), (8, 0.3), (64, 0.1)] {
            #expect(abs(Double(counts[size] ?? 0) - 10_000 * share) < 20, "\(size): \(counts)")
        }
    }

    @Test("What is no mix is refused", arguments: ["", "0", "65", "1:0", "1:1001", "1,,2", "1:2:3", "x", "1:"])
    func noMix(text: String) {
        #expect(WeightedMix(text, most: 64) == nil)
    }

    @Test("Medians, ratios by their sense, and the same table out of its JSON")
    func table() throws {
        let rows = [
            BenchTable.Row("calls", "/s", .atLeast, 1000, runs: [3000, 1000, 2000], note: "fine"),
            BenchTable.Row("p99", "ms", .atMost, 10, runs: [30, 10]),
            BenchTable.Row("other", "/s", .atLeast, 1, runs: []),
        ]
        #expect(rows.map(\.median) == [2000, 20, nil])
        #expect(rows.map(\.ratio) == [2, 0.5, nil])
        let table = BenchTable(conditions: ["load": "1"], rows: rows)
        let lines = table.text.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines[1].hasPrefix("calls   2000 /s   >= 1000  2.0        1000 ... 3000"), "\(lines[1])")
        #expect(lines[2].contains("fine") && lines[4].hasPrefix("other   -"))
        #expect(try JSONDecoder().decode(BenchTable.self, from: Data(table.json())) == table)
    }
}
