import Bytes
import Domain
import Plugins

/// How much a comparison may cost; beyond it two results differ unless they are equal byte by byte.
public struct ComparisonLimits: Hashable, Sendable {
    /// Rows of a table that are matched one to one, and lines of text that are sorted.
    public var rowsMax = 1 << 18
    public var linesMax = 1 << 20
    /// Pairs of rows that are near each other: this many, or this many per row when that is more.
    public var pairsMax = 1 << 20
    public var pairsPerRowMax = 16

    public init() {}
}

/// Applies a rule to two results. Pure, symmetric, and reflexive but for NaN under `NaNRule.differs` and in tables.
public struct ResultComparator: Sendable {
    public let rule: ComparisonRule
    public let limits: ComparisonLimits
    private let sections: SectionRules

    /// - Throws: `.badData` for a number out of its range, columns that do not fit a rule, or a program.
    public init(_ rule: ComparisonRule, limits: ComparisonLimits = ComparisonLimits()) throws(Fault) {
        try rule.check()
        self.rule = rule
        self.limits = limits
        switch rule {
        case .program:
            throw Fault(.badData, "comparison rule: a program is applied by ProgramComparator")
        case .sections(let rules): sections = rules
        default:
            let rules = SectionRules(parts: [], other: rule)
            try rules.check()
            sections = rules
        }
    }

    /// Whether the two say the same; both were checked before and may still be hostile.
    public func compare(_ a: Payload, _ b: Payload) -> Agreement {
        difference(a, b).map(Agreement.different) ?? .same
    }

    /// - Returns: nil when they agree; otherwise the first difference in the order of parts, then of names.
    public func difference(_ a: Payload, _ b: Payload) -> Difference? {
        // A name that comes twice says nothing certain; such a result agrees only with itself.
        if let twice = [a, b].compactMap(Self.nameThatComesTwice).min() {
            return a == b ? nil : .of("\(Element.name(twice)) (twice)")
        }
        let first = Dictionary(uniqueKeysWithValues: a.sections.map { ($0.name, $0) })
        let second = Dictionary(uniqueKeysWithValues: b.sections.map { ($0.name, $0) })
        for name in sections.required where first[name] == nil || second[name] == nil {
            return .of("\(Element.name(name)) (missing)")
        }
        for part in sections.parts {
            if let found = difference(part.sections, part.rule, first, second) { return found }
        }
        let named = Set(sections.parts.flatMap(\.sections))
        for name in Set(first.keys).union(second.keys).subtracting(named).sorted() {
            if let found = difference([name], sections.other, first, second) { return found }
        }
        return nil
    }

    /// At most this share of pairs of honest results differ by chance; 0 without statistical rules. Several
    /// statistical rules are added up (union bound).
    public var falseRejectionProbability: Double { rule.falseRejectionProbability }

    private static func nameThatComesTwice(_ payload: Payload) -> String? {
        var seen: Set<String> = []
        return payload.sections.first { !seen.insert($0.name).inserted }?.name
    }

    private func difference(
        _ names: [String], _ rule: ComparisonRule, _ first: [String: PayloadSection],
        _ second: [String: PayloadSection]
    ) -> Difference? {
        if rule == .ignored { return nil }
        var pairs: [SectionPair] = []
        for name in names {
            switch (first[name], second[name]) {
            case (nil, nil): continue
            case (let a?, let b?) where a.kind == b.kind: pairs.append(SectionPair(a, b))
            case (_?, _?): return .of("\(Element.name(name)) (kind)")
            default: return .of("\(Element.name(name)) (missing)")
            }
        }
        guard rule.joinsSections else {
            for pair in pairs {
                if let found = difference(pair, rule) { return found }
            }
            return nil
        }
        // A table that neither has says the same; half a table says nothing.
        if pairs.isEmpty { return nil }
        guard pairs.count == names.count else { return .of("\(Element.name(names[0])) (columns)") }
        return tableDifference(SectionPair.inOneOrder(pairs), rule)
    }

    private func difference(_ pair: SectionPair, _ rule: ComparisonRule) -> Difference? {
        let pair = pair.inOneOrder
        return switch rule {
        case .exact: ExactComparison.difference(pair)
        case .numeric(let rule): NumericComparison(rule).difference(pair)
        case .text(let rule): TextComparison(rule, linesMax: limits.linesMax).difference(pair)
        default: nil
        }
    }

    private func tableDifference(_ pairs: [SectionPair], _ rule: ComparisonRule) -> Difference? {
        guard let columns = ColumnPairs(pairs) else { return .of("\(pairs[0].element) (no numbers)") }
        return switch rule {
        case .ranked(let rule): RankedComparison(rule, limits).difference(columns)
        case .set(let rule): SetComparison(rule, limits).difference(columns)
        case .samples(let rule): SampleComparison(rule).difference(columns)
        case .moments(let rule): MomentComparison(rule).difference(columns)
        default: nil
        }
    }
}

extension ComparisonRule {
    /// The share of pairs of honest results that this one rule tells apart by chance, at most.
    public var falseRejectionProbability: Double {
        switch self {
        case .samples(let rule): rule.significance
        case .moments(let rule): rule.significance
        case .sections(let rules):
            min(1, (rules.parts.map(\.rule) + [rules.other]).map(\.falseRejectionProbability).reduce(0, +))
        case .exact, .numeric, .ranked, .set, .text, .ignored, .program: 0
        }
    }
}

/// The same section of two results: equal name, equal kind.
package struct SectionPair: Hashable, Sendable {
    let a: PayloadSection
    let b: PayloadSection

    package init(_ a: PayloadSection, _ b: PayloadSection) {
        self.a = a
        self.b = b
    }

    /// The name, fit for a message.
    var element: String { Element.name(a.name) }

    /// The two in an order that does not depend on which came first: what is reported is then symmetric as well.
    var inOneOrder: SectionPair { Self.inOneOrder([self])[0] }

    static func inOneOrder(_ pairs: [SectionPair]) -> [SectionPair] {
        for pair in pairs where pair.a.bytes != pair.b.bytes {
            return pair.b.bytes.lexicographicallyPrecedes(pair.a.bytes)
                ? pairs.map { SectionPair($0.b, $0.a) } : pairs
        }
        return pairs
    }
}

/// Names of elements for people: claims of strangers, so cleaned and short.
enum Element {
    static func name(_ text: String) -> String {
        let short = text.utf8.count <= 64 ? text : String(decoding: text.utf8.prefix(64), as: UTF8.self)
        return PrintableText.clean(short)
    }
}

extension Difference {
    /// A difference that has no size.
    static func of(_ element: String) -> Difference {
        Difference(element: element, distance: .infinity, tolerance: 0)
    }
}
