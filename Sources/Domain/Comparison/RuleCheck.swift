extension ComparisonRule {
    /// Ranges of the statistical rules' significance.
    public static let significances = 1e-12...0.5
    public static let absoluteMax = 1e300
    public static let ignoredMax = 64
    public static let ignoredBytesMax = 256

    /// - Throws: `.badData` with the name of the field, what it is and what is expected.
    public func check() throws(Fault) {
        switch self {
        case .exact, .ignored: break
        case .numeric(let rule): try rule.check()
        case .ranked(let rule): try rule.check()
        case .set(let rule):
            if rule.keys.isEmpty { throw Self.fault("set.keys", "empty", "a tolerance for each column") }
            for key in rule.keys { try key.check("set.keys") }
        case .text(let rule): try rule.check()
        case .samples(let rule): try Self.check(rule.significance, "samples.significance", in: Self.significances)
        case .moments(let rule):
            try Self.check(rule.significance, "moments.significance", in: Self.significances)
            let allowed = Double.leastNormalMagnitude...Self.absoluteMax
            try Self.check(rule.standardErrorMax, "moments.standardErrorMax", in: allowed)
        case .sections(let rules): try rules.check()
        case .program(let rule): try rule.check()
        }
    }

    static func check(_ value: Double, _ field: String, in range: ClosedRange<Double>) throws(Fault) {
        guard range.contains(value) else {
            throw fault(field, "\(value)", "\(range.lowerBound) to \(range.upperBound)")
        }
    }

    package static func fault(_ field: String, _ found: String, _ expected: String) -> Fault {
        Fault(.badData, "comparison rule: \(field) is \(PrintableText.clean(found)); expected: \(expected)")
    }

    /// Whether the rule holds for named sections only: for its columns, or because its significance is for all columns
    /// together.
    package var needsNames: Bool {
        switch self {
        case .ranked, .moments, .samples: true
        default: false
        }
    }

    /// Whether several sections are one table.
    package var joinsSections: Bool {
        switch self {
        case .ranked, .moments, .set, .samples: true
        case .exact, .numeric, .text, .ignored, .sections, .program: false
        }
    }
}

extension Closeness {
    func check(_ field: String) throws(Fault) {
        try ComparisonRule.check(absolute, "\(field).absolute", in: 0...ComparisonRule.absoluteMax)
        try ComparisonRule.check(relative, "\(field).relative", in: 0...1)
    }
}

extension NumericRule {
    func check() throws(Fault) {
        switch measure {
        case .elements(let closeness): try closeness.check("numeric.elements")
        case .norm(_, let closeness): try closeness.check("numeric.norm")
        case .ulps: break
        }
    }
}

extension RankedRule {
    func check() throws(Fault) {
        if keys.isEmpty { throw ComparisonRule.fault("ranked.keys", "empty", "a tolerance for each key column") }
        for key in keys { try key.check("ranked.keys") }
        try score.check("ranked.score")
        if let capacity, capacity < 1 {
            throw ComparisonRule.fault("ranked.capacity", "\(capacity)", "1 or more")
        }
        if let floor, !floor.isFinite { throw ComparisonRule.fault("ranked.floor", "\(floor)", "a finite number") }
    }
}

extension TextRule {
    func check() throws(Fault) {
        for (field, words) in [("text.ignoredPrefixes", ignoredPrefixes), ("text.ignoredFields", ignoredFields)] {
            guard words.count <= ComparisonRule.ignoredMax else {
                throw ComparisonRule.fault(field, "\(words.count) entries", "at most \(ComparisonRule.ignoredMax)")
            }
            for word in words where word.isEmpty || word.utf8.count > ComparisonRule.ignoredBytesMax {
                throw ComparisonRule.fault(
                    field, "\"\(word.prefix(40))\"", "1 to \(ComparisonRule.ignoredBytesMax) bytes each")
            }
        }
        if let numbers {
            try numbers.check("text.numbers")
            if !isOrdered {
                throw ComparisonRule.fault("text.numbers", "set for lines in any order", "none, or lines in order")
            }
        }
        if case .csv(let separator) = layout {
            let forbidden = Array("\r\n\"".utf8)
            guard separator == 9 || (0x20..<0x7F).contains(separator), !forbidden.contains(separator) else {
                throw ComparisonRule.fault("text.csv.separator", "byte \(separator)", "a printable mark or a tab")
            }
        }
    }
}

extension SectionRules {
    public func check() throws(Fault) {
        var named: Set<String> = []
        for name in required where name.isEmpty || name.utf8.count > Limits.sectionNameBytesMax {
            throw ComparisonRule.fault(
                "sections.required", "\"\(name.prefix(70))\"", "1 to \(Limits.sectionNameBytesMax) bytes each")
        }
        for part in parts {
            if part.sections.isEmpty { throw ComparisonRule.fault("sections.parts", "empty", "names of sections") }
            for name in part.sections {
                guard !name.isEmpty, name.utf8.count <= Limits.sectionNameBytesMax, named.insert(name).inserted else {
                    throw ComparisonRule.fault(
                        "sections.parts", "\"\(name.prefix(70))\"",
                        "each section once, 1 to \(Limits.sectionNameBytesMax) bytes")
                }
            }
            try part.check()
        }
        try Self.checkInner(other)
        if other.needsNames {
            throw ComparisonRule.fault("sections.other", "a rule for named sections", "a rule for any section")
        }
        // It is applied to one section at a time.
        try Part(["x"], other).checkColumns()
    }

    static func checkInner(_ rule: ComparisonRule) throws(Fault) {
        switch rule {
        case .sections, .program:
            throw ComparisonRule.fault("sections", "a rule for whole results inside", "rules for sections")
        default: try rule.check()
        }
    }
}

extension SectionRules.Part {
    func check() throws(Fault) {
        try SectionRules.checkInner(rule)
        try checkColumns()
    }

    /// Whether the rule fits the number of sections.
    func checkColumns() throws(Fault) {
        let count = sections.count
        switch rule {
        case .ranked(let ranked) where ranked.keys.count != count - 1:
            throw ComparisonRule.fault(
                "ranked.keys", "\(ranked.keys.count) for \(count) columns", "one for each column but the score")
        case .set(let set) where set.keys.count != 1 && set.keys.count != count:
            throw ComparisonRule.fault("set.keys", "\(set.keys.count) for \(count) columns", "one, or one each")
        case .moments where count != 2:
            throw ComparisonRule.fault("moments", "\(count) columns", "values and standard errors")
        default: break
        }
    }
}
