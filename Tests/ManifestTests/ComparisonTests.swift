import Domain
import Foundation
import Manifest
import Testing

/// `validation.compare`: what each way of comparing becomes, and what is refused.
@Suite struct ComparisonTests {
    /// An element of the list, and the rule that it is.
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var rule: ComparisonRule
        var testDescription: String { text }
    }

    private static let app = AppSchema(
        name: "tables", version: 1, title: "Tables", step: "one row", parameters: [], inputs: [],
        results: ["x", "y", "score"].map { ResultSchema(name: $0, kind: "float64", description: "a column") }
            + [ResultSchema(name: "log", kind: "utf8", description: "what was done")],
        numericClass: .exact)

    private static func read(_ elements: String) -> ManifestOutcome {
        let lines = elements.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let text = Fixtures.manifest("validation:\n  compare:\n\(lines)\n", app: "tables")
        return ManifestParser.parse(text, file: "project.yaml", apps: [app])
    }

    private static func faults(_ elements: String) -> [ManifestFault] {
        if case .faults(let faults) = read(elements) { faults } else { [] }
    }

    private static let near = Closeness(absolute: 0.5, relative: 0.25)
    static let cases = [
        Case(text: "{sections: x, by: exact}", rule: .exact),
        Case(text: "{sections: x, by: ignored}", rule: .ignored),
        Case(text: "{sections: x, by: close}", rule: .numeric(NumericRule(.elements(.exact)))),
        Case(
            text: "{sections: [x], by: close, absolute: 0.5, relative: 0.25}",
            rule: .numeric(NumericRule(.elements(near)))),
        Case(text: "{sections: x, by: ulps}", rule: .numeric(NumericRule(.ulps(4)))),
        Case(text: "{sections: x, by: ulps, ulps: 0}", rule: .numeric(NumericRule(.ulps(0)))),
        Case(
            text: "{sections: x, by: norm, absolute: 0.5, relative: 0.25}",
            rule: .numeric(NumericRule(.norm(.l2, near)))),
        Case(text: "{sections: x, by: norm, norm: max}", rule: .numeric(NumericRule(.norm(.max, .exact)))),
        Case(
            text: "{sections: [x, y, score], by: ranked, keys_absolute: [0.5, 0], absolute: 0.5, relative: 0.25, "
                + "capacity: 20, floor: -3, smallest_first: true}",
            rule: .ranked(
                RankedRule(
                    keys: [Closeness(absolute: 0.5), .exact], score: near, largestFirst: false, capacity: 20,
                    floor: -3))),
        Case(
            text: "{sections: [x, y, score], by: ranked, keys_relative: 0.25}",
            rule: .ranked(
                RankedRule(keys: [Closeness(relative: 0.25), Closeness(relative: 0.25)], score: .exact))),
        Case(
            text: "{sections: [x, y], by: set, keys_absolute: 0.5, keys_relative: [0.25, 0.25], repeats: false}",
            rule: .set(SetRule(keys: [near, near], isMultiset: false))),
        Case(
            text: "{sections: log, by: lines, ignore_lines: [\"#\", time], ignore_fields: host, relative: 0.25}",
            rule: .text(
                TextRule(
                    .lines, ignoredPrefixes: ["#", "time"], ignoredFields: ["host"],
                    numbers: Closeness(relative: 0.25)))),
        Case(
            text: "{sections: log, by: csv, separator: tab, any_order: true}",
            rule: .text(TextRule(.csv(separator: 9), isOrdered: false))),
        Case(text: "{sections: log, by: csv}", rule: .text(TextRule(.csv(separator: 0x2C)))),
        Case(text: "{sections: x, by: samples, significance: 1e-9}", rule: .samples(SampleRule(significance: 1e-9))),
        Case(
            text: "{sections: [x, y], by: moments, standard_error_max: 2}",
            rule: .moments(MomentRule(significance: 1e-6, standardErrorMax: 2))),
    ]

    @Test(arguments: cases)
    func everyWayOfComparingBecomesItsRule(_ item: Case) throws {
        guard case .success(let spec, let warnings) = Self.read("- " + item.text) else {
            Issue.record("\(Self.faults("- " + item.text).map(\.text))")
            return
        }
        guard case .sections(let rules)? = spec.validation.comparison else {
            Issue.record("no rule")
            return
        }
        #expect(warnings.isEmpty && rules.parts.map(\.rule) == [item.rule] && rules.other == .exact)
        #expect(rules.required == (item.rule == .ignored ? [] : rules.parts[0].sections))
    }

    @Test func everyKeyAndEveryWayHasACase() {
        let texts = Self.cases.map(\.text).joined() + "required: false"
        for key in ManifestKeys.all where key.path.hasPrefix("validation.compare[].") {
            let leaf = key.path.dropFirst("validation.compare[].".count)
            #expect(texts.contains("\(leaf): "), "\(leaf)")
            guard case .choice(let words) = key.kind, leaf == "by" else { continue }
            for word in words { #expect(texts.contains("by: \(word)"), "\(word)") }
        }
    }

    @Test func whatNoElementNamesFollowsTheOneWithoutSections() throws {
        let text = "- {by: ulps, ulps: 2}\n- {sections: [x, y], by: close, required: false}"
        guard case .success(let spec, _) = Self.read(text), case .sections(let rules)? = spec.validation.comparison
        else {
            Issue.record("\(Self.faults(text).map(\.text))")
            return
        }
        #expect(rules.other == .numeric(NumericRule(.ulps(2))))
        #expect(rules.parts.map(\.sections) == [["x", "y"]] && rules.required.isEmpty)
    }

    @Test func withoutTheKeyTheAppCompares() {
        #expect(Fixtures.spec(Fixtures.manifest())?.validation.comparison == nil)
        #expect(Fixtures.spec(Fixtures.manifest()) != nil)
    }

    @Test(arguments: [
        ("- {sections: scores, by: exact}", "no section `scores`"),
        ("- {sections: x, by: near}", "none of the valid words"),
        ("- {sections: x}", "validation.compare[].by` is missing"),
        ("- {sections: x, by: exact, absolute: 1}", "means nothing for `by: exact`"),
        ("- {sections: x, by: ulps, capacity: 3}", "means nothing for `by: ulps`"),
        ("- {sections: x, by: close, absolute: -1}", "out of range"),
        ("- {sections: x, by: close, relative: [0.1]}", "stands here"),
        ("- {sections: [], by: exact}", "0 elements"),
        ("- {sections: [x, {a: b}], by: exact}", "stands here"),
        ("- {sections: x, by: exact}\n- {sections: [y, x], by: exact}", "`x` is named twice"),
        ("- {by: exact}\n- {by: close}", "one more element without `sections`"),
        ("- {by: samples}", "`by: samples` needs `sections`"),
        ("- {by: ranked}", "needs key columns and a score"),
        ("- {by: ignored}", "ignores every section"),
        ("- {sections: [x, y, score, log], by: ignored}", "ignores every section"),
        ("- {sections: log, by: close}", "compares numbers, and `log` holds utf8"),
        ("- {sections: x, by: csv}", "compares text, and `x` holds float64"),
        ("- {sections: [y, typo], by: moments, standard_error_max: x}", "no section `typo`"),
        ("- {sections: x, by: ranked}", "needs key columns and a score"),
        ("- {sections: [x, y, score], by: ranked, keys_absolute: [1, 2, 3]}", "3 numbers for 2 columns"),
        ("- {sections: [x, y], by: moments}", "needs `standard_error_max`"),
        ("- {sections: [x, y, score], by: moments, standard_error_max: 1}", "values and their standard errors"),
        ("- {sections: x, by: samples, significance: 0.9}", "out of range"),
        ("- {sections: log, by: csv, any_order: true, relative: 0.1}", "`any_order` with a tolerance"),
        ("- {sections: x, by: exact, tolerance: 3}", "unknown key"),
        ("- x", "an element with the keys"),
        ("{sections: x, by: exact}", "stands here"),
    ])
    func whatIsWrongIsNamed(_ elements: String, _ words: String) throws {
        let faults = Self.faults(elements)
        #expect(faults.contains { $0.text.contains(words) }, "\(faults.map(\.text))")
        #expect(faults.allSatisfy { $0.line >= 9 && $0.column >= 1 })
    }

    @Test func theExampleInTheDocumentIsRight() throws {
        let text = try Golden.text(
            of: Golden.root.appending(path: "docs/manifest.md"), between: "sections of an app's results.\n\n```yaml",
            and: "```\n\n- The element without", recording: "")
        let names = ["frequency", "power", "ratio", "sigma"].map { "candidates.\($0)" } + ["grid.count"]
        let app = AppSchema(
            name: "prime-count", version: 1, title: "", step: "", parameters: [], inputs: [],
            results: names.map { ResultSchema(name: $0, kind: "float64", description: "") },
            numericClass: .tolerance(relative: 0, absolute: 0))
        let outcome = ManifestParser.parse(Fixtures.manifest(text), file: "docs/manifest.md", apps: [app])
        guard case .success(let spec, _) = outcome, case .sections(let rules)? = spec.validation.comparison else {
            Issue.record("\(outcome)")
            return
        }
        #expect(rules.parts.count == 3 && rules.other == .numeric(NumericRule(.elements(Closeness(relative: 1e-4)))))
    }

    @Test func whatIsWrongInAListIsFoundThere() {
        let faults = Self.faults("- sections: [x,\n    {a: b}]\n  by: exact")
        #expect(faults.map(\.line) == [12], "\(faults.map(\.text))")
        #expect(Self.faults("- exact").allSatisfy { !$0.text.contains("is empty") })
    }

    @Test func theNearestSectionIsSuggested() {
        #expect(Self.faults("- {sections: scor, by: exact}").first?.text.contains("score") == true)
    }
}
