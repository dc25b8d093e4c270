import Domain
import YAMLText

/// Makes the `ComparisonRule` of `validation.compare`.
struct ComparisonBuilder {
    /// The elements of the list, as they were read.
    let elements: [SectionValues]
    /// Where the list stands.
    let place: Place
    let app: AppSchema?

    /// - Returns: nil where there is a fault.
    func rule(_ faults: inout FaultList) -> ComparisonRule? {
        let known = faults.faults.count
        var rules = SectionRules(parts: [])
        var others = 0
        if elements.isEmpty, !faults.faults.contains(where: { $0.message.hasPrefix("`validation.compare") }) {
            faults.add(place, "`validation.compare` is empty", expected: "an element with the key by, or no such key")
        }
        var named: Set<String> = []
        for element in elements {
            guard let word = element.word else { continue }
            checkKeys(element, word, &faults)
            if let sections = element.named { checkNames(element, word, sections, &named, &faults) }
            checkShape(element, word, &faults)
            guard element.broken.isEmpty, let rule = element.rule(word, &faults) else { continue }
            guard let sections = element.named else {
                others += 1
                if others > 1 {
                    faults.add(element.place, "one more element without `sections`", expected: "one for all the others")
                }
                rules.other = rule
                continue
            }
            rules.parts += [SectionRules.Part(sections, rule)]
            if word != .ignored, element.isSet("required", standard: true) { rules.required += sections }
        }
        guard faults.faults.count == known, elements.allSatisfy({ $0.broken.isEmpty && $0.word != nil }) else {
            return nil
        }
        if believesAnything(rules) {
            faults.add(
                place, "`validation.compare` ignores every section: any two results agree",
                expected: "a section that is compared")
            return nil
        }
        let rule = ComparisonRule.sections(rules)
        do throws(Fault) { try rule.check() } catch {
            faults.add(place, "`validation.compare`: \(error.message)", expected: error.advice)
            return nil
        }
        return rule
    }

    private func checkKeys(_ element: SectionValues, _ word: ComparisonWord, _ faults: inout FaultList) {
        let allowed = Set(word.keys + ["sections", "by"])
        for key in element.places.keys.sorted() where !allowed.contains(key) {
            faults.add(
                element.place(of: key), "`validation.compare[].\(key)` means nothing for `by: \(word.rawValue)`",
                expected: word.keys.isEmpty ? "no such key" : "one of " + word.keys.joined(separator: ", "))
        }
    }

    /// Whether nothing at all is compared.
    private func believesAnything(_ rules: SectionRules) -> Bool {
        guard rules.parts.allSatisfy({ $0.rule == .ignored }) else { return false }
        let named = Set(rules.parts.flatMap(\.sections))
        let rest = app.map { $0.results.isEmpty || $0.results.contains { !named.contains($0.name) } } ?? true
        return rules.other == .ignored || !rest
    }

    private func checkNames(
        _ element: SectionValues, _ word: ComparisonWord, _ sections: [String], _ named: inout Set<String>,
        _ faults: inout FaultList
    ) {
        let place = element.place(of: "sections")
        for name in sections where !named.insert(name).inserted {
            faults.add(place, "the section `\(YAMLNode.short(name))` is named twice", expected: "each section once")
        }
        guard let app, !app.results.isEmpty else { return }
        let names = app.results.map(\.name)
        for name in sections {
            guard let section = app.results.first(where: { $0.name == name }) else {
                faults.add(
                    place, "results of the app \(app.name) have no section `\(YAMLNode.short(name))`",
                    expected: "one of " + names.joined(separator: ", "), suggestion: Nearest.word(to: name, in: names))
                continue
            }
            let isText = section.kind == "utf8" || section.kind == "bytes"
            if let wantsText = word.wantsText, wantsText != isText {
                faults.add(
                    element.place(of: "by"),
                    "`by: \(word.rawValue)` compares \(wantsText ? "text" : "numbers"), and `\(name)` holds "
                        + section.kind, expected: isText ? "exact, lines, csv or ignored" : "a way for numbers")
            }
        }
    }

    private func checkShape(_ element: SectionValues, _ word: ComparisonWord, _ faults: inout FaultList) {
        let count = element.named?.count
        let isNamed = element.places["sections"] != nil
        switch word {
        case .ranked where !isNamed || count == 1:
            faults.add(
                element.place, "`by: ranked` needs key columns and a score",
                expected: "`sections` with two or more, the score as the last")
        case .moments where !isNamed || count.map { $0 != 2 } == true:
            faults.add(
                element.place, "`by: moments` needs values and their standard errors",
                expected: "`sections` with these two")
        case .samples where !isNamed:
            faults.add(element.place, "`by: samples` needs `sections`", expected: "the columns of the samples")
        case .lines, .csv:
            if element.isSet("any_order"), element.values["absolute"] != nil || element.values["relative"] != nil {
                faults.add(
                    element.place(of: "any_order"),
                    "`any_order` with a tolerance: lines in any order are compared as text",
                    expected: "one of the two")
            }
        default: break
        }
    }
}

extension SectionValues {
    fileprivate var word: ComparisonWord? { text("by").flatMap { ComparisonWord(rawValue: $0) } }
    fileprivate var named: [String]? { lines("sections") }

    private func text(_ key: String) -> String? {
        if case .text(let text)? = values[key] { text } else { nil }
    }

    private func lines(_ key: String) -> [String]? {
        if case .lines(let lines)? = values[key] { lines } else { nil }
    }

    private func real(_ key: String) -> Double? {
        if case .real(let number)? = values[key] { number } else { nil }
    }

    private func integer(_ key: String) -> Int64? {
        if case .integer(let number)? = values[key] { number } else { nil }
    }

    private func reals(_ key: String) -> [Double]? {
        if case .reals(let numbers)? = values[key] { numbers } else { nil }
    }

    fileprivate func isSet(_ key: String, standard: Bool = false) -> Bool {
        if case .flag(let flag)? = values[key] { flag } else { standard }
    }

    private var closeness: Closeness {
        Closeness(absolute: real("absolute") ?? 0, relative: real("relative") ?? 0)
    }

    fileprivate func rule(_ word: ComparisonWord, _ faults: inout FaultList) -> ComparisonRule? {
        let significance = real("significance") ?? 1e-6
        switch word {
        case .exact: return .exact
        case .ignored: return .ignored
        case .close: return .numeric(NumericRule(.elements(closeness)))
        case .ulps: return .numeric(NumericRule(.ulps(UInt64(integer("ulps") ?? 4))))
        case .norm: return .numeric(NumericRule(.norm(text("norm") == "max" ? .max : .l2, closeness)))
        case .lines: return .text(textRule(.lines))
        case .csv: return .text(textRule(.csv(separator: separator)))
        case .samples: return .samples(SampleRule(significance: significance))
        case .moments:
            guard let largest = real("standard_error_max") else {
                faults.add(
                    place, "`by: moments` needs `standard_error_max`", expected: "the largest standard error to believe"
                )
                return nil
            }
            return .moments(MomentRule(significance: significance, standardErrorMax: largest))
        case .ranked:
            let columns = (named?.count ?? 0) - 1
            guard columns > 0, let keys = keys(columns, &faults) else { return nil }
            return .ranked(
                RankedRule(
                    keys: keys, score: closeness, largestFirst: !isSet("smallest_first"),
                    capacity: integer("capacity").map { Int($0) }, floor: real("floor")))
        case .set:
            return keys(named?.count ?? 1, &faults).map {
                .set(SetRule(keys: $0, isMultiset: isSet("repeats", standard: true)))
            }
        }
    }

    /// One closeness for each of so many columns.
    private func keys(_ columns: Int, _ faults: inout FaultList) -> [Closeness]? {
        let absolute = reals("keys_absolute") ?? [0]
        let relative = reals("keys_relative") ?? [0]
        for (key, numbers) in [("keys_absolute", absolute), ("keys_relative", relative)]
        where numbers.count != 1 && numbers.count != columns {
            faults.add(
                place(of: key),
                "`validation.compare[].\(key)` has \(numbers.count) numbers for \(columns) "
                    + (columns == 1 ? "column" : "columns"),
                expected: "one number, or one for each column (of `ranked` all but the score)")
            return nil
        }
        return (0..<columns).map { column in
            Closeness(
                absolute: absolute.count == 1 ? absolute[0] : absolute[column],
                relative: relative.count == 1 ? relative[0] : relative[column])
        }
    }

    private var separator: UInt8 {
        switch text("separator") {
        case "semicolon": UInt8(ascii: ";")
        case "tab": 9
        default: UInt8(ascii: ",")
        }
    }

    private func textRule(_ layout: TextRule.Layout) -> TextRule {
        TextRule(
            layout, ignoredPrefixes: lines("ignore_lines") ?? [], ignoredFields: lines("ignore_fields") ?? [],
            numbers: values["absolute"] == nil && values["relative"] == nil ? nil : closeness,
            isOrdered: !isSet("any_order"))
    }
}
