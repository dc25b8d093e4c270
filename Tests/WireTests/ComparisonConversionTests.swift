import Domain
import Foundation
import SwiftProtobuf
import Testing
import Wire

@Suite struct ComparisonConversionTests {
    static let rules: [ComparisonRule] = [
        .exact, .ignored, .numeric(NumericRule(.elements(Closeness(absolute: 1e-300, relative: 0.1)), nan: .equalsNaN)),
        .numeric(NumericRule(.ulps(.max))), .numeric(NumericRule(.norm(.max, .exact))),
        .ranked(
            RankedRule(
                keys: [.exact, Closeness(relative: 1e-9)], score: Closeness(absolute: 1e300), largestFirst: false,
                capacity: 1 << 40, floor: -1e300)),
        .set(SetRule(keys: [.exact], isMultiset: false)),
        .text(
            TextRule(
                .csv(separator: 9), ignoredPrefixes: ["\"#\u{1F701}"], ignoredFields: ["é"], numbers: .exact,
                isOrdered: false)),
        .samples(SampleRule(significance: 1e-12)),
        .moments(MomentRule(significance: 0.5, standardErrorMax: .leastNormalMagnitude)),
        .sections(
            SectionRules(parts: [.init(["a", "b"], .exact), .init(["c"], .ignored)], other: .exact, required: ["a"])),
        .program(ProgramRule(program: "same.py", arguments: ["--x"], timeoutSeconds: 0.1)),
    ]

    @Test(arguments: rules)
    func aRuleArrivesAsItWasSent(_ rule: ComparisonRule) throws {
        var context = WireAppContextMessage()
        context.setComparison(rule)
        let bytes: [UInt8] = try context.serializedBytes()
        #expect(try WireAppContextMessage(serializedBytes: bytes).comparisonRule() == rule)
    }

    @Test func noRuleIsNone() throws {
        var context = WireAppContextMessage()
        context.setComparison(.exact)
        context.setComparison(nil)
        #expect(try context.comparisonRule() == nil)
    }

    @Test(arguments: ["?", "{}", "{\"exact\":{}", "{\"sections\":{\"_0\":{}}}", "[]"])
    func whatIsNoRuleIsRefused(_ text: String) {
        var context = WireAppContextMessage()
        context.comparison = Data(text.utf8)
        #expect(throws: WireError.self) { try context.comparisonRule() }
    }
}
