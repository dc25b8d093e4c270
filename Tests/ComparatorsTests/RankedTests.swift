import Bytes
import Comparators
import Domain
import Plugins
import Testing

@Suite struct RankedTests {
    private static let rule = RankedRule(keys: [Closeness(absolute: 0.25)], score: Closeness(absolute: 0.5))

    private static func difference(_ rule: RankedRule, _ a: [[Double]], _ b: [[Double]]) throws -> Difference? {
        let columns = rule.keys.count + 1
        return try ResultComparator(tableRule(.ranked(rule), columns: columns)).difference(
            Payload(rows: a, columns: columns), Payload(rows: b, columns: columns))
    }

    @Test func closeScoresOfCloseKeysAgree() throws {
        let found = try Self.difference(Self.rule, [[10, 9], [20, 8]], [[10.25, 8.5], [20, 8]])
        #expect(found == nil)
        let moved = try Self.difference(Self.rule, [[10, 9], [20, 5]], [[10.5, 9], [20, 5]])
        #expect(moved == Difference(element: "c0[0]", distance: 4, tolerance: 0.5))
        let other = try Self.difference(Self.rule, [[10, 9], [20, 5]], [[10, 7], [20, 5]])
        #expect(other?.element == "c0[0]")
    }

    @Test func tiesMayStandInAnyOrder() throws {
        let (a, b) = ([[1.0, 7], [2, 7], [3, 7]], [[3.0, 7], [1, 7], [2, 7]])
        #expect(try Self.difference(Self.rule, a, b) == nil)
    }

    @Test func whatIsNearTheEndMayBeMissing() throws {
        let full = [[1.0, 9], [2, 6], [3, 5.5]]
        #expect(try Self.difference(Self.rule, full, [[1, 9], [2, 6], [4, 5.25]]) == nil)
        #expect(try Self.difference(Self.rule, full, [[1, 9], [2, 6]]) == nil)
        // 7 is better than the other list's end by more than the tolerance.
        let found = try Self.difference(Self.rule, [[1, 9], [2, 7]], [[1, 9], [3, 6]])
        #expect(found == Difference(element: "c0[1]", distance: 1, tolerance: 0.5))
    }

    @Test func listThatIsNotFullLacksNothingAboveTheFloor() throws {
        var rule = Self.rule
        rule.capacity = 3
        let two = [[1.0, 9], [2, 6]]
        #expect(try Self.difference(rule, two + [[3, 5.75]], two)?.distance == .infinity)
        rule.floor = 5.5
        #expect(try Self.difference(rule, two + [[3, 5.75]], two) == nil)
        #expect(try Self.difference(rule, two + [[3, 6.25]], two)?.tolerance == 0.5)
        #expect(try Self.difference(rule, two + [[3, 5.75], [4, 5.75]], two)?.element == "c0 (count)")
        #expect(try Self.difference(rule, [], [[1, 5.75]]) == nil)
        #expect(try Self.difference(Self.rule, [], [[1, 5.75]]) != nil)
    }

    @Test func smallestFirst() throws {
        var rule = Self.rule
        rule.largestFirst = false
        #expect(try Self.difference(rule, [[1, 2], [2, 5]], [[1, 2], [3, 5.5]]) == nil)
        #expect(try Self.difference(rule, [[1, 2], [2, 4]], [[1, 2], [3, 5.5]]) != nil)
    }

    /// A row that must be matched and one that need not compete for the same partner, in both lists.
    @Test func definitionBySearch() throws {
        try trials { random in
            let rule = RankedRule(
                keys: [Closeness(absolute: 0.5)], score: Closeness(absolute: random.oneOf([0.25, 0.5])),
                largestFirst: random.nextIndex(below: 2) == 0, capacity: random.oneOf([nil, 4]),
                floor: random.oneOf([nil, 1]))
            let a = (0..<random.nextIndex(below: 5)).map { _ in [random.grid(12), random.grid(12)] }
            let b = (0..<random.nextIndex(below: 5)).map { _ in [random.grid(12), random.grid(12)] }
            let found = try Self.difference(rule, a, b) == nil
            return found == Self.agree(rule, a, b) ? nil : "\(a) and \(b) under \(rule): \(found)"
        }
    }

    /// Tries every matching.
    private static func agree(_ rule: RankedRule, _ a: [[Double]], _ b: [[Double]]) -> Bool {
        func needed(_ list: [[Double]], _ other: [[Double]]) -> Set<Int> {
            let scores = other.map { $0[1] }
            let isFull = other.count >= rule.capacity ?? 0
            let end = isFull && !scores.isEmpty ? (rule.largestFirst ? scores.min() : scores.max()) : rule.floor
            return Set(
                list.indices.filter { row in
                    guard let end else { return true }
                    let surplus = rule.largestFirst ? list[row][1] - end : end - list[row][1]
                    return surplus > rule.score.absolute
                })
        }
        let (mustA, mustB) = (needed(a, b), needed(b, a))
        func search(_ row: Int, _ free: Set<Int>) -> Bool {
            if row == a.count { return mustB.isDisjoint(with: free) }
            if !mustA.contains(row) && search(row + 1, free) { return true }
            return free.contains { other in
                rule.keys[0].holds(a[row][0], b[other][0]) && rule.score.holds(a[row][1], b[other][1])
                    && search(row + 1, free.subtracting([other]))
            }
        }
        return search(0, Set(b.indices))
    }

    @Test func lawsHoldForRandomPairs() throws {
        try trials { random in
            let capacity: Int? = random.oneOf([nil, 8, 3])
            let rule = RankedRule(
                keys: [random.closeness()], score: random.closeness(), largestFirst: random.nextIndex(below: 2) == 0,
                capacity: capacity, floor: random.oneOf([nil, 1]))
            let a = (0..<random.nextIndex(below: 8)).map { _ in [random.grid(), random.grid()] }
            var b = a.map { row in row.map { $0 + random.oneOf([0, 0, 0.125, -0.25]) } }.permuted(&random)
            if random.nextIndex(below: 3) == 0, !b.isEmpty { b.removeLast() }
            let found = try Self.difference(rule, a, b)
            if try Self.difference(rule, b, a) != found { return "not symmetric" }
            if capacity.map({ a.count <= $0 }) ?? true {
                if try Self.difference(rule, a, a.permuted(&random)) != nil { return "not reflexive" }
            }
            let again = try Self.difference(rule, a.permuted(&random), b.permuted(&random))
            if (again == nil) != (found == nil) { return "the order of rows matters" }
            var wider = rule
            wider.keys = rule.keys.map { $0.wider(&random) }
            wider.score = rule.score.wider(&random)
            if found == nil, try Self.difference(wider, a, b) != nil { return "a wider tolerance tells them apart" }
            return nil
        }
    }
}
