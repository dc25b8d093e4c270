import Bytes
import Comparators
import Domain
import Plugins
import Testing

/// Rules for sections, their ranges, and exact comparison.
@Suite struct ComparatorTests {
    @Test func firstDifferingByteIsNamed() throws {
        let (a, b) = (text("x", "abcdef"), text("x", "abXdeY"))
        #expect(try differs(.exact, a, b) == Difference(element: "x[byte 2]", distance: 2, tolerance: 0))
        let shorter = try differs(.exact, a, text("x", "abc"))
        #expect(shorter == Difference(element: "x[byte 3]", distance: 3, tolerance: 0))
        #expect(try differs(.exact, reals("x", [.nan]), reals("x", [.nan])) == nil)
    }

    @Test func digestsAreEqualExactlyWhenResultsAre() throws {
        let comparator = try ResultComparator(.exact)
        trials { random in
            func draw() -> Payload {
                let names = ["a", "b", "ab"].shuffled(using: &random).prefix(random.nextIndex(below: 4))
                let sections = names.map { name in
                    PayloadSection(
                        name: name, kind: random.oneOf([.bytes, .utf8]),
                        bytes: Array(repeating: 7, count: random.nextIndex(below: 3)))
                }
                return Payload(sections: sections)
            }
            let (a, b) = (draw(), draw())
            let same = ExactComparison.digest(of: a) == ExactComparison.digest(of: b)
            return same == (comparator.difference(a, b) == nil) ? nil : "\(a) and \(b)"
        }
        // Golden: name, kind and length are part of it.
        let digest = ExactComparison.digest(of: Payload(text("x", "a")))
        let framed: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 0x78, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0x61]
        #expect(digest == SHA256Hash.digest(of: framed))
    }

    private static let mixed = ComparisonRule.sections(
        SectionRules(
            parts: [
                .init(["f", "p"], .ranked(RankedRule(keys: [Closeness(absolute: 1)], score: Closeness(absolute: 1)))),
                .init(["seconds"], .ignored),
                .init(["sum"], .numeric(NumericRule(.elements(Closeness(relative: 0.1))))),
            ], required: ["sum"]))

    @Test func eachSectionHasItsRule() throws {
        let comparator = try ResultComparator(Self.mixed)
        func result(_ f: [Double], _ p: [Double], sum: Double, note: String, seconds: Double? = nil) -> Payload {
            var payload = Payload(reals("f", f), reals("p", p), reals("sum", [sum]), text("note", note))
            if let seconds { payload.sections.append(reals("seconds", [seconds])) }
            return payload
        }
        let a = result([1, 5], [9, 8], sum: 10, note: "n", seconds: 3)
        #expect(comparator.compare(a, result([5, 1], [8, 9], sum: 10.5, note: "n")) == .same)
        #expect(comparator.difference(a, result([5, 1], [8, 9], sum: 10.5, note: "m"))?.element == "note[byte 0]")
        #expect(comparator.difference(a, result([5, 1], [8, 9], sum: 12, note: "n"))?.element == "sum[0]")
        #expect(comparator.difference(a, result([9, 1], [8, 12], sum: 12, note: "n"))?.element == "f[1]")
        #expect(comparator.falseRejectionProbability == 0)
    }

    @Test func sectionsThatAreMissingOrComeTwice() throws {
        let comparator = try ResultComparator(Self.mixed)
        let a = Payload(reals("sum", [1]))
        #expect(comparator.difference(a, a) == nil)
        #expect(comparator.difference(Payload(), Payload())?.element == "sum (missing)")
        #expect(comparator.difference(a, Payload(reals("sum", [1]), reals("q", [])))?.element == "q (missing)")
        #expect(comparator.difference(a, Payload(floats("sum", [1])))?.element == "sum (kind)")
        let half = Payload(reals("sum", [1]), reals("f", [1]))
        #expect(comparator.difference(half, half)?.element == "f (columns)")
        let twice = Payload(reals("sum", [1]), reals("sum", [1]))
        #expect(comparator.difference(twice, a)?.element == "sum (twice)")
        #expect(comparator.difference(a, twice)?.element == "sum (twice)")
        #expect(comparator.difference(twice, twice) == nil)
    }

    @Test func namesOfStrangersAreCleanedAndShort() throws {
        let name = "\u{1B}[31m" + String(repeating: "é", count: 40)
        let found = try #require(try differs(.exact, text(name, "a"), text(name, "b")))
        #expect(found.element.hasPrefix("?[31m"))
        #expect(found.element.utf8.count < 90)
    }

    private static let wrong: [(ComparisonRule, String)] = [
        (.numeric(NumericRule(.elements(Closeness(absolute: -1)))), "numeric.elements.absolute is -1.0"),
        (.numeric(NumericRule(.elements(Closeness(absolute: .nan)))), "numeric.elements.absolute is nan"),
        (.numeric(NumericRule(.norm(.l2, Closeness(relative: 1.5)))), "numeric.norm.relative is 1.5"),
        (.set(SetRule(keys: [])), "set.keys is empty"),
        (.set(SetRule(keys: [.exact, .exact])), "set.keys is 2 for 1 columns"),
        (tableRule(.set(SetRule(keys: [.exact, .exact])), columns: 3), "set.keys is 2 for 3 columns"),
        (tableRule(.ranked(RankedRule(keys: [.exact], score: .exact)), columns: 1), "ranked.keys is 1 for 1 columns"),
        (tableRule(.ranked(RankedRule(keys: [], score: .exact)), columns: 1), "ranked.keys is empty"),
        (
            tableRule(.ranked(RankedRule(keys: [.exact], score: .exact, capacity: 0)), columns: 2),
            "ranked.capacity is 0"
        ),
        (
            tableRule(.ranked(RankedRule(keys: [.exact], score: .exact, floor: .infinity)), columns: 2),
            "ranked.floor is inf"
        ),
        (tableRule(.samples(SampleRule(significance: 0)), columns: 1), "samples.significance is 0.0"),
        (tableRule(.samples(SampleRule(significance: 0.6)), columns: 1), "samples.significance is 0.6"),
        (
            tableRule(.moments(MomentRule(significance: 0.1, standardErrorMax: 0)), columns: 2),
            "moments.standardErrorMax is 0.0"
        ),
        (tableRule(.moments(MomentRule(significance: 0.1, standardErrorMax: 1)), columns: 3), "moments is 3 columns"),
        (.samples(SampleRule(significance: 0.1)), "sections.other is a rule for named sections"),
        (.text(TextRule(.lines, ignoredPrefixes: [""])), "text.ignoredPrefixes is \"\""),
        (.text(TextRule(.lines, numbers: .exact, isOrdered: false)), "text.numbers is set for lines in any order"),
        (.text(TextRule(.csv(separator: 10))), "text.csv.separator is byte 10"),
        (.text(TextRule(.csv(separator: 34))), "text.csv.separator is byte 34"),
        (.sections(SectionRules(parts: [.init([], .exact)])), "sections.parts is empty"),
        (.sections(SectionRules(parts: [.init(["a", "a"], .exact)])), "sections.parts is \"a\""),
        (.sections(SectionRules(parts: [], required: [""])), "sections.required is \"\""),
        (
            .sections(SectionRules(parts: [.init(["a"], .sections(SectionRules(parts: [])))])),
            "sections is a rule for whole results inside"
        ),
        (.program(ProgramRule(program: "compare")), "a program is applied by ProgramComparator"),
    ]

    @Test(arguments: wrong.indices)
    func rulesOutOfRangeAreRefusedByName(_ at: Int) {
        let (rule, message) = Self.wrong[at]
        do throws(Fault) {
            _ = try ResultComparator(rule)
            Issue.record("\(rule) was taken")
        } catch {
            #expect(error.kind == .badData)
            #expect(error.message.hasPrefix("comparison rule: \(message)"), "\(error.message)")
        }
    }

    @Test func statisticalRulesAddUp() throws {
        let rules = SectionRules(parts: [
            .init(["a"], .samples(SampleRule(significance: 0.01))),
            .init(["b", "c"], .moments(MomentRule(significance: 0.02, standardErrorMax: 1))),
        ])
        #expect(abs(try ResultComparator(.sections(rules)).falseRejectionProbability - 0.03) < 1e-15)
    }
}
