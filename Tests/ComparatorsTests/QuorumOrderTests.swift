import Bytes
import Comparators
import Domain
import Engine
import Plugins
import Testing

/// The quorum on what the comparators say, for every order of arrival of up to six results.
@Suite struct QuorumOrderTests {
    enum Kind: String, CaseIterable, Sendable {
        case numeric, norm, ulps, set, ranked, text

        var rule: ComparisonRule {
            let half = Closeness(absolute: 0.5)
            return switch self {
            case .numeric: .numeric(NumericRule(.elements(half)))
            case .norm: .numeric(NumericRule(.norm(.l2, half)))
            case .ulps: .numeric(NumericRule(.ulps(4)))
            case .set: tableRule(.set(SetRule(keys: [half])), columns: 2)
            case .ranked: tableRule(.ranked(RankedRule(keys: [half], score: half)), columns: 2)
            case .text: .text(TextRule(.lines, numbers: half))
            }
        }

        /// A result that lies at `step` on a line of which neighbours agree and the next but one do not.
        func result(_ step: Int) -> Payload {
            let value = Double(step) * 0.375
            switch self {
            case .numeric, .norm: return Payload(reals("x", [7, value]))
            case .ulps: return Payload(reals("x", [Double(bitPattern: 1.0.bitPattern + UInt64(step) * 3)]))
            case .set: return Payload(rows: [[value, 1], [9, 9]], columns: 2)
            case .ranked: return Payload(rows: [[100, 99], [value, 50], [9, 30]], columns: 2)
            case .text: return Payload(ComparatorsTests.text("log", "sum \(value)\n"))
            }
        }
    }

    private static func decide(_ results: [Payload], order: [Int], _ comparator: ResultComparator) -> Quorum.Decision {
        let tasks = results.indices.map { TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 0), ordinal: $0) }
        var comparisons: [PairComparison] = []
        for (place, later) in order.enumerated() {
            for earlier in order[..<place] {
                comparisons.append(
                    PairComparison(
                        first: tasks[earlier], second: tasks[later],
                        difference: comparator.difference(results[earlier], results[later])))
            }
        }
        let members = order.map { Quorum.Member(task: tasks[$0], volunteer: VolunteerID(rawValue: Int64($0) + 1)) }
        return Quorum.decide(members, comparisons, quorum: 2)
    }

    private static func orders(_ count: Int) -> [[Int]] {
        if count == 0 { return [[]] }
        return orders(count - 1).flatMap { rest in
            (0...rest.count).map { place in rest[..<place] + [count - 1] + rest[place...] }.map(Array.init)
        }
    }

    @Test(arguments: Kind.allCases)
    func chainsAreDecidedTheSameInEveryOrder(_ kind: Kind) throws {
        let comparator = try ResultComparator(kind.rule)
        let chain = (0..<3).map(kind.result)
        #expect(comparator.difference(chain[0], chain[1]) == nil)
        #expect(comparator.difference(chain[1], chain[2]) == nil)
        #expect(comparator.difference(chain[0], chain[2]) != nil)
        var random = SeededGenerator(seed: 11)
        for count in 2...6 {
            let orders = Self.orders(count)
            #expect(orders.count == (1...count).reduce(1, *))
            // The plain chain, and some with repeated and missing places.
            for trial in 0..<5 {
                let steps = (0..<count).map { trial == 0 ? $0 : random.nextIndex(below: count + 1) }
                let results = steps.map(kind.result)
                let decisions = Set(orders.map { Self.decide(results, order: $0, comparator) })
                #expect(decisions.count == 1, "\(kind) at \(steps): \(decisions)")
            }
        }
    }
}
