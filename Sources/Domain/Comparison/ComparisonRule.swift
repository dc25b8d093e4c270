/// How results of one app are compared. `Comparators.ResultComparator` applies it.
public indirect enum ComparisonRule: Codable, Hashable, Sendable {
    /// Every byte is equal: integers, hashes, text.
    case exact
    /// Numbers at the same place are close.
    case numeric(NumericRule)
    /// Rows of keys and a score, of which each list holds the best: candidates of a search.
    case ranked(RankedRule)
    /// Rows in any order.
    case set(SetRule)
    /// Lines of text, some parts of which do not matter.
    case text(TextRule)
    /// Samples of the same distributions.
    case samples(SampleRule)
    /// Estimates with standard errors.
    case moments(MomentRule)
    /// Anything agrees: run times, host names.
    case ignored
    /// A rule for each section.
    case sections(SectionRules)
    /// The scientist's own program; `Comparators.ProgramComparator` applies it.
    case program(ProgramRule)
}

/// Which rule holds for which sections.
public struct SectionRules: Codable, Hashable, Sendable {
    /// Sections that are compared together by one rule.
    public struct Part: Codable, Hashable, Sendable {
        /// Several sections are the columns of one table for `ranked`, `set`, `samples` and `moments`; for the other
        /// rules each is compared by itself.
        public var sections: [String]
        public var rule: ComparisonRule

        public init(_ sections: [String], _ rule: ComparisonRule) {
            self.sections = sections
            self.rule = rule
        }
    }

    /// No section is named twice.
    public var parts: [Part]
    /// For each section that no part names; `ranked`, `samples` and `moments` need names and cannot stand here.
    public var other: ComparisonRule
    /// Sections that both results must have. A section that only one result has always differs, unless it is ignored.
    public var required: [String]

    public init(parts: [Part], other: ComparisonRule = .exact, required: [String] = []) {
        self.parts = parts
        self.other = other
        self.required = required
    }
}

/// What a number may differ by: `absolute + relative * max(|a|, |b|)`.
public struct Closeness: Codable, Hashable, Sendable {
    /// 0 ... 1e300, in the units of the number.
    public var absolute: Double
    /// 0 ... 1.
    public var relative: Double

    public init(absolute: Double = 0, relative: Double = 0) {
        self.absolute = absolute
        self.relative = relative
    }

    /// Only equal numbers are close.
    public static let exact = Closeness()
}

/// Numbers at the same place of sections of the kinds float32, float64, int32 and int64.
public struct NumericRule: Codable, Hashable, Sendable {
    public enum Measure: Codable, Hashable, Sendable {
        /// Each pair of elements is close.
        case elements(Closeness)
        /// Each pair of elements is at most so many representable numbers apart (of integers: so much apart).
        case ulps(UInt64)
        /// The norm of the difference is at most `absolute + relative * (the larger of the two norms)`.
        case norm(Norm, Closeness)
    }

    public enum Norm: Codable, Hashable, Sendable {
        /// Square root of the sum of squares.
        case l2
        /// Largest magnitude.
        case max
    }

    public enum NaNRule: Codable, Hashable, Sendable {
        /// NaN differs from everything, itself included.
        case differs
        /// NaN equals NaN of any payload, and nothing else.
        case equalsNaN
    }

    public var measure: Measure
    public var nan: NaNRule

    public init(_ measure: Measure, nan: NaNRule = .differs) {
        self.measure = measure
        self.nan = nan
    }
}

/// Rows in any order: the columns of one table, matched one to one.
public struct SetRule: Codable, Hashable, Sendable {
    /// What the numbers of each column may differ by; one for all columns when it has one entry. 1 or more entries.
    public var keys: [Closeness]
    /// Whether a row that comes twice must come twice in the other result. Otherwise rows that are exactly equal count
    /// once; rows that are only close count each.
    public var isMultiset: Bool

    public init(keys: [Closeness], isMultiset: Bool = true) {
        self.keys = keys
        self.isMultiset = isMultiset
    }
}

/// Ranked candidates: the last column is the score, those before it say what is meant.
///
/// Rows are matched one to one when keys and scores are close; their order is not compared, for it follows from the
/// scores. Two honest machines may differ in what just made it into the list, so a row may be missing from the other
/// list when its score is within the tolerance of that list's last one.
public struct RankedRule: Codable, Hashable, Sendable {
    /// What each key may differ by: one less than there are columns, 1 or more.
    public var keys: [Closeness]
    public var score: Closeness
    /// Whether a larger score is better.
    public var largestFirst: Bool
    /// How many rows a list may have. A shorter list holds everything above the floor, so that in it nothing but a
    /// score near the floor may be missing. nil: every list ends at its last score.
    public var capacity: Int?
    /// The score below which nothing is listed; nil: a list that is not full lacks nothing.
    public var floor: Double?

    public init(
        keys: [Closeness], score: Closeness, largestFirst: Bool = true, capacity: Int? = nil, floor: Double? = nil
    ) {
        self.keys = keys
        self.score = score
        self.largestFirst = largestFirst
        self.capacity = capacity
        self.floor = floor
    }
}

/// Text of lines. A carriage return before the line's end, and whether the last line has an end, do not matter.
public struct TextRule: Codable, Hashable, Sendable {
    public enum Layout: Codable, Hashable, Sendable {
        /// Words, numbers and marks, as in JSON or a log; spaces between them do not matter.
        case lines
        /// A header line with the names of the columns, then a line for each row; fields may be quoted (RFC 4180), but
        /// a quoted field ends with its line at the latest.
        case csv(separator: UInt8)
    }

    public var layout: Layout
    /// Lines that begin so, after spaces and tabs, are left out. At most 64, each 1 ... 256 bytes.
    public var ignoredPrefixes: [String]
    /// Columns of a CSV layout, by name; fields of JSON-like lines, by key: `"key": value`. At most 64, each 1 ... 256
    /// bytes.
    public var ignoredFields: [String]
    /// What numbers in the text may differ by; nil: they are compared as text.
    public var numbers: Closeness?
    /// Whether the order of lines matters; without it, lines are compared as text.
    public var isOrdered: Bool

    public init(
        _ layout: Layout, ignoredPrefixes: [String] = [], ignoredFields: [String] = [], numbers: Closeness? = nil,
        isOrdered: Bool = true
    ) {
        self.layout = layout
        self.ignoredPrefixes = ignoredPrefixes
        self.ignoredFields = ignoredFields
        self.numbers = numbers
        self.isOrdered = isOrdered
    }
}

/// Two samples of the same distribution, column by column: two-sample Kolmogorov-Smirnov test.
public struct SampleRule: Codable, Hashable, Sendable {
    /// 1e-12 ... 0.5: the probability, over all columns together, that honest results are told apart.
    public var significance: Double

    public init(significance: Double) {
        self.significance = significance
    }
}

/// Estimates in the first column, their standard errors in the second: z-test of each pair. Good for means, and for
/// variances with the standard errors of variances.
public struct MomentRule: Codable, Hashable, Sendable {
    /// 1e-12 ... 0.5: the probability, over all rows together, that honest results are told apart when their errors are
    /// normal and rightly stated.
    public var significance: Double
    /// Above 0, at most 1e300: a larger standard error differs, since a claim must not set its own tolerance.
    public var standardErrorMax: Double

    public init(significance: Double, standardErrorMax: Double) {
        self.significance = significance
        self.standardErrorMax = standardErrorMax
    }
}
