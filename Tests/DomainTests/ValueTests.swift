import Domain
import Testing

@Suite struct CreditTests {
    /// BOINC's definition: a day at 1 GFLOP/s is 200 cobblestones.
    @Test func aDayAtOneGigaflop() {
        #expect(Credit(flops: 86_400 * 1e9).cobblestones == 200)
    }

    @Test func fractionsAreCutNotRounded() {
        #expect(Credit(flops: 431_999).microcobblestones == 0)
        #expect(Credit(flops: 432_000).microcobblestones == 1)
        #expect(Credit(flops: 863_999).microcobblestones == 1)
        #expect(Credit(flops: 0) == .zero)
    }

    @Test func theLargestUnitFits() {
        #expect(Credit(flops: Limits.flopsMax).microcobblestones == Int64(1e21 / 432_000))
    }

    @Test func sumsAreExact() {
        let a = Credit(microcobblestones: 1 << 60)
        let b = Credit(microcobblestones: 3)
        #expect((a + b).microcobblestones == 1 << 60 + 3)
        #expect(a + b + -a + -b == .zero)
        #expect(b < a && -a < b)
    }

    @Test func noCreditForNonsense() async {
        await #expect(processExitsWith: .failure) { _ = Credit(flops: -1) }
        await #expect(processExitsWith: .failure) { _ = Credit(flops: .nan) }
        await #expect(processExitsWith: .failure) { _ = Credit(flops: 2e21) }
    }
}

@Suite struct TimeTests {
    @Test func differencesComeBack() {
        let start = Timestamp(seconds: 1_700_000_000)
        let span = TimeSpan(seconds: 86_399.9994)
        #expect(span.milliseconds == 86_399_999)
        #expect((start + span) - start == span)
        #expect(start < start + TimeSpan(milliseconds: 1))
        #expect((start + TimeSpan(milliseconds: -1)) < start)
        #expect(TimeSpan(seconds: 0.0005).milliseconds == 1)
        #expect(TimeSpan(milliseconds: 1500).seconds == 1.5)
    }

    @Test(arguments: [Double.infinity, 1e300, 3_155_760_001])
    func longSpansAreCutToACentury(seconds: Double) {
        #expect(TimeSpan(seconds: seconds).milliseconds == 3_155_760_000_000)
        #expect(TimeSpan(seconds: -seconds).milliseconds == -3_155_760_000_000)
    }
}

@Suite struct TableTests {
    @Test func columnsByName() throws {
        let table = try #require(Table(names: ["a", "b"], columns: [[1, 2], [3, 4]]))
        #expect(table.rowCount == 2)
        #expect(table["b"] == [3, 4])
        #expect(table["c"] == nil)
    }

    @Test func uneqalColumnsAreNoTable() {
        #expect(Table(names: ["a", "b"], columns: [[1, 2], [3]]) == nil)
        #expect(Table(names: ["a"], columns: [[1], [2]]) == nil)
        #expect(Table(names: ["a", "a"], columns: [[1], [2]]) == nil)
        #expect(Table(names: [], columns: [])?.rowCount == 0)
    }
}

@Suite struct FaultTests {
    @Test func exitCodesDiffer() {
        let codes = FaultKind.allCases.map(\.rawValue)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0 > 0 && $0 < 126 })
    }

    @Test func adviceFollowsTheMessage() {
        #expect("\(Fault(.badData, "x.csv:2:1: bad"))" == "x.csv:2:1: bad")
        #expect("\(Fault(.badData, "x.csv:2:1: bad", advice: "mend it"))" == "x.csv:2:1: bad\n  mend it")
    }
}
