import Domain

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
        if elements.isEmpty {
            faults.add(place, "`validation.compare` is empty", expected: "an element with the key by, or no such key")
        }
        for element in elements where element.broken.isEmpty {
            guard let word = element.word else { continue }
            checkKeys(element, word, &faults)
            guard let rule = element.rule(word, &faults) else { continue }
            guard let sections = element.named else {
                others += 1
                if others == 2 {
                    faults.add(element.place, "a second element without `sections`", expected: "one for all the others")
                }
                rules.other = rule
                continue
            }
            checkNames(element, sections, &faults)
            rules.parts += [SectionRules.Part(sections, rule)]
            if word != .ignored, element.isSet("required", standard: true) { rules.required += sections }
        }
        guard faults.faults.count == known, elements.allSatisfy({ $0.broken.isEmpty && $0.word != nil }) else {
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

    private func checkNames(_ element: SectionValues, _ sections: [String], _ faults: inout FaultList) {
        guard let app, !app.results.isEmpty else { return }
        let names = app.results.map(\.name)
        for name in sections where !names.contains(name) {
            faults.add(
                element.place(of: "sections"),
                "results of the app \(app.name) have no section `\(YAMLNode.short(name))`",
                expected: "one of " + names.joined(separator: ", "), suggestion: Nearest.word(to: name, in: names))
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
            let columns = (named?.count ?? 2) - 1
            guard columns > 0 else {
                faults.add(place, "`by: ranked` with one section", expected: "key columns, and the score as the last")
                return nil
            }
            guard let keys = keys(columns, &faults) else { return nil }
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
                place(of: key), "`validation.compare[].\(key)` has \(numbers.count) numbers for \(columns) columns",
                expected: "one number, or one for each column but the score")
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
