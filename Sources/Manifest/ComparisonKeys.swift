import Domain

/// The words of `validation.compare[].by`.
enum ComparisonWord: String, CaseIterable {
    case exact, close, ulps, norm, ranked, set, lines, csv, samples, moments, ignored

    static let all = allCases.map(\.rawValue)

    /// Whether it compares text, or numbers; nil: either.
    var wantsText: Bool? {
        switch self {
        case .exact, .ignored: nil
        case .lines, .csv: true
        case .close, .ulps, .norm, .ranked, .set, .samples, .moments: false
        }
    }

    /// The keys that have a meaning beside it, but for `sections` and `by`.
    var keys: [String] {
        switch self {
        case .exact: ["required"]
        case .close: ["absolute", "relative", "required"]
        case .ulps: ["ulps", "required"]
        case .norm: ["absolute", "relative", "norm", "required"]
        case .ranked:
            [
                "absolute", "relative", "keys_absolute", "keys_relative", "smallest_first", "capacity", "floor",
                "required",
            ]
        case .set: ["keys_absolute", "keys_relative", "repeats", "required"]
        case .lines: ["absolute", "relative", "ignore_lines", "ignore_fields", "any_order", "required"]
        case .csv: ["absolute", "relative", "ignore_lines", "ignore_fields", "any_order", "separator", "required"]
        case .samples: ["significance", "required"]
        case .moments: ["significance", "standard_error_max", "required"]
        case .ignored: []
        }
    }
}

/// The keys of `validation.compare`; what each means for a comparison is told by `ComparisonRule`.
enum ComparisonKeys {
    private static let path = "validation.compare[]"
    private static let absolutes = 0...ComparisonRule.absoluteMax

    static let all: [ManifestKey] =
        [
            ManifestKey(
                "validation.compare", .list, .otherwise("the app's own way"),
                "How two results are compared, section by section, in place of the app's own way: docs/comparators.md."
            ),
            ManifestKey(
                "\(path).sections", .lines(bytesMax: Limits.sectionNameBytesMax),
                .otherwise("every section that no other element names"),
                "Sections of the result: the columns of one table for `ranked`, `set`, `samples`, `moments`."
            ),
            ManifestKey("\(path).by", .choice(ComparisonWord.all), .required, "The way of comparing."),
            ManifestKey(
                "\(path).absolute", .real(absolutes), .standard("0"),
                "`close`, `norm`, `lines`, `csv`, and the score of `ranked`: what numbers may differ by."),
            ManifestKey(
                "\(path).relative", .real(0...1), .standard("0"),
                "The same as a part of the larger of the two; both are added."),
        ] + numbers + tables + texts + statistics

    private static let numbers = [
        ManifestKey(
            "\(path).ulps", .integer(0...Int64.max), .standard("4"),
            "`ulps`: how many representable numbers apart."),
        ManifestKey(
            "\(path).norm", .choice(["l2", "max"]), .standard("l2"),
            "`norm`: root of the sum of squares of the difference, or its largest magnitude."),
        ManifestKey(
            "\(path).required", .flag, .standard("true"), "Both results must have the sections that are named."),
    ]

    private static let tables = [
        ManifestKey(
            "\(path).keys_absolute", .reals(absolutes), .standard("0"),
            "`ranked`, `set`: what the columns may differ by (of `ranked` all but the last, the score); one number for "
                + "all of them, or one each."),
        ManifestKey(
            "\(path).keys_relative", .reals(0...1), .standard("0"), "The same as a part of the larger of the two."),
        ManifestKey("\(path).smallest_first", .flag, .standard("false"), "`ranked`: a smaller score is better."),
        ManifestKey(
            "\(path).capacity", .integer(1...1 << 40), .otherwise("every list ends at its last score"),
            "`ranked`: rows of a full list; a shorter one lacks nothing above the floor."),
        ManifestKey(
            "\(path).floor", .real(-1e300...1e300), .otherwise("none"),
            "`ranked`: the score below which nothing is listed."),
        ManifestKey(
            "\(path).repeats", .flag, .standard("true"), "`set`: a row that comes twice must come twice in both."),
    ]

    private static let texts = [
        ManifestKey(
            "\(path).ignore_lines", .lines(bytesMax: ComparisonRule.ignoredBytesMax), .otherwise("none"),
            "`lines`, `csv`: lines that begin so are left out."),
        ManifestKey(
            "\(path).ignore_fields", .lines(bytesMax: ComparisonRule.ignoredBytesMax), .otherwise("none"),
            "`lines`: keys, `csv`: columns whose values do not matter."),
        ManifestKey(
            "\(path).any_order", .flag, .standard("false"),
            "`lines`, `csv`: the order of lines does not matter; numbers are then compared as text."),
        ManifestKey(
            "\(path).separator", .choice(["comma", "semicolon", "tab"]), .standard("comma"),
            "`csv`: what stands between fields."),
    ]

    private static let statistics = [
        ManifestKey(
            "\(path).significance", .real(ComparisonRule.significances), .standard("1e-06"),
            "`samples`, `moments`: the chance that honest results are told apart."),
        ManifestKey(
            "\(path).standard_error_max", .real(1e-300...ComparisonRule.absoluteMax),
            .otherwise("must be given for `moments`"), "`moments`: a larger standard error differs."),
    ]
}
