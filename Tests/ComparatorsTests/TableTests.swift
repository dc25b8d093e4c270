import Bytes
import Comparators
import Domain
import Plugins
import Testing

/// Sets and ranked lists: rows matched one to one.
@Suite struct TableTests {
    private static func set(
        _ columns: Int, _ keys: [Closeness], multiset: Bool = true
    ) throws -> ResultComparator {
        try ResultComparator(tableRule(.set(SetRule(keys: keys, isMultiset: multiset)), columns: columns))
    }

    private static func set(_ comparator: ResultComparator, _ a: [[Double]], _ b: [[Double]], _ columns: Int)
        -> Difference?
    {
        comparator.difference(Payload(rows: a, columns: columns), Payload(rows: b, columns: columns))
    }

    @Test func orderDoesNotMatterAndTheOddRowIsNamed() throws {
        let comparator = try Self.set(2, [Closeness(absolute: 0.5)])
        #expect(Self.set(comparator, [[1, 1], [2, 2], [3, 3]], [[3, 3], [1.5, 1], [2, 2.5]], 2) == nil)
        let found = Self.set(comparator, [[1, 1], [2, 2], [3, 3]], [[3, 3], [1, 1], [2, 9]], 2)
        // Row 2 of the second one, whose bytes come first in order: one row without a partner.
        #expect(found == Difference(element: "c0[2]", distance: 1, tolerance: 0))
        let few = Self.set(comparator, [[1, 1]], [[1, 1], [1, 1]], 2)
        #expect(few == Difference(element: "c0 (count)", distance: 1, tolerance: 0))
    }

    @Test func multisetsCountAndSetsDoNot() throws {
        let (a, b) = ([[1.0], [1], [2]], [[1.0], [2], [2]])
        #expect(Self.set(try Self.set(1, [.exact]), a, b, 1) != nil)
        #expect(Self.set(try Self.set(1, [.exact], multiset: false), a, b, 1) == nil)
        #expect(Self.set(try Self.set(1, [.exact], multiset: false), a, [[1], [2], [3]], 1) != nil)
    }

    /// The nearest partner first would leave the second row alone.
    @Test func greedyPairingWouldFail() throws {
        let comparator = try Self.set(2, [Closeness(absolute: 1)])
        #expect(Self.set(comparator, [[0, 0], [1, 0]], [[0.75, 0], [-1, 0]], 2) == nil)
        #expect(Self.set(comparator, [[1, 0], [0, 0]], [[0.75, 0], [-1, 0]], 2) == nil)
        #expect(Self.set(comparator, [[1, 0], [0, 0]], [[0.75, 0], [-1.25, 0]], 2) != nil)
    }

    @Test func integersAboveTwoToThe53AreToldApart() throws {
        let comparator = try ResultComparator(tableRule(.set(SetRule(keys: [.exact])), columns: 1))
        let (a, b) = (integers("c0", [1 << 60, 5]), integers("c0", [5, 1 << 60 + 1]))
        #expect(comparator.difference(Payload(a), Payload(b)) != nil)
        #expect(comparator.difference(Payload(a), Payload(integers("c0", [5, 1 << 60]))) == nil)
    }

    /// Against a search through all permutations.
    @Test func matchingIsThatOfTheDefinition() throws {
        try trials { random in
            let columns = 1 + random.nextIndex(below: 3)
            let count = random.nextIndex(below: 6)
            let keys = (0..<columns).map { _ in random.closeness() }
            let a = (0..<count).map { _ in (0..<columns).map { _ in random.grid(16) } }
            let b = (0..<count).map { _ in (0..<columns).map { _ in random.grid(16) } }
            func near(_ x: [Double], _ y: [Double]) -> Bool {
                (0..<columns).allSatisfy { keys[$0].holds(x[$0], y[$0]) }
            }
            func canMatch(_ row: Int, _ free: Set<Int>) -> Bool {
                row == count || free.contains { near(a[row], b[$0]) && canMatch(row + 1, free.subtracting([$0])) }
            }
            let found = Self.set(try Self.set(columns, keys), a, b, columns) == nil
            return found == canMatch(0, Set(0..<count)) ? nil : "\(a) and \(b) under \(keys): \(found)"
        }
    }

    @Test func setLawsHoldForRandomPairs() throws {
        try trials { random in
            let columns = 1 + random.nextIndex(below: 2)
            let a = (0..<random.nextIndex(below: 8)).map { _ in (0..<columns).map { _ in random.grid() } }
            let b = a.permuted(&random).map { row in row.map { $0 + random.oneOf([0, 0, 0.125, -0.25, 2]) } }
            let keys = [random.closeness()]
            let multiset = random.nextIndex(below: 2) == 0
            let comparator = try Self.set(columns, keys, multiset: multiset)
            let found = Self.set(comparator, a, b, columns)
            if Self.set(comparator, b, a, columns) != found { return "not symmetric" }
            if Self.set(comparator, a, a.permuted(&random), columns) != nil { return "not reflexive" }
            let again = Self.set(comparator, a.permuted(&random), b.permuted(&random), columns)
            if (again == nil) != (found == nil) { return "the order of rows matters" }
            // A wider tolerance never separates a multiset; a set neither, for what is dropped is equal.
            let wider = try Self.set(columns, keys.map { $0.wider(&random) }, multiset: multiset)
            if found == nil, Self.set(wider, a, b, columns) != nil { return "a wider tolerance tells them apart" }
            return nil
        }
    }

    @Test func rowsThatAreAllNearEachOtherEndTheComparison() throws {
        var limits = ComparisonLimits()
        limits.pairsMax = 1000
        let rule = tableRule(.set(SetRule(keys: [Closeness(absolute: 1)])), columns: 2)
        let comparator = try ResultComparator(rule, limits: limits)
        let rows = (0..<200).map { [Double($0) / 1000, 0] }
        let same = comparator.difference(Payload(rows: rows, columns: 2), Payload(rows: rows, columns: 2))
        #expect(same == nil)
        let reversed = comparator.difference(
            Payload(rows: rows, columns: 2), Payload(rows: rows.reversed(), columns: 2))
        #expect(reversed?.element == "c0 (too many rows near each other)")
        // One exact column is enough to keep the pairs few.
        let narrow = try ResultComparator(
            tableRule(.set(SetRule(keys: [.exact, Closeness(absolute: 1)])), columns: 2), limits: limits)
        #expect(narrow.difference(Payload(rows: rows, columns: 2), Payload(rows: rows.reversed(), columns: 2)) == nil)
    }

    @Test func aHundredThousandRowsAreMatched() throws {
        var random = SeededGenerator(seed: 3)
        let rows = (0..<100_000).map { _ in [random.nextUnit() * 1e6, random.nextUnit()] }
        let moved = rows.shuffled(using: &random).map { [$0[0] + 1e-6, $0[1] - 1e-6] }
        let comparator = try Self.set(2, [Closeness(absolute: 1e-5)])
        #expect(Self.set(comparator, rows, moved, 2) == nil)
        #expect(Self.set(comparator, rows, moved.dropLast() + [[-5, 0]], 2) != nil)
    }

    @Test func malformedTables() throws {
        let comparator = try Self.set(2, [.exact])
        let ragged = Payload(reals("c0", [1, 2]), reals("c1", [1]))
        #expect(comparator.difference(ragged, ragged)?.element == "c1 (count)")
        let nan = Payload(rows: [[1, .nan]], columns: 2)
        #expect(comparator.difference(nan, nan)?.element == "c1[0] (NaN)")
        let half = Payload(reals("c0", [1]))
        #expect(comparator.difference(half, half)?.element == "c0 (columns)")
        #expect(comparator.difference(Payload(), Payload()) == nil)
        let words = Payload(text("c0", "a"), text("c1", "a"))
        #expect(comparator.difference(words, words)?.element == "c0 (no numbers)")
    }
}
