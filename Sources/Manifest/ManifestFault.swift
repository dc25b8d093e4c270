import Domain

/// One thing that is wrong, or doubtful, in a manifest.
public struct ManifestFault: Hashable, Sendable {
    /// The name to show, as the caller gave it.
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, counted in Unicode scalars.
    public var column: Int
    /// What was found, without a final stop.
    public var message: String
    /// What would be right; nil when the message says it.
    public var expected: String?
    /// The nearest valid word; nil when nothing is near.
    public var suggestion: String?

    public init(
        file: String, line: Int, column: Int, message: String, expected: String? = nil, suggestion: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.expected = expected
        self.suggestion = suggestion
    }

    /// `file:line:column: message`, then what was expected and the nearest word, a line each.
    public var text: String {
        var text = "\(file):\(line):\(column): \(message)"
        if let expected { text += "\n    expected: \(expected)" }
        if let suggestion { text += "\n    nearest: \(suggestion)" }
        return text
    }
}

/// What reading a manifest gives.
public enum ManifestOutcome: Hashable, Sendable {
    /// The manifest is right; warnings are doubts that do not stop a submission.
    case success(ProjectSpec, warnings: [ManifestFault])
    /// At least one fault, in the order of the text.
    case faults([ManifestFault])
}

/// The outcome, and what the caller needs to check the files that the manifest names, whatever else is wrong.
public struct ManifestReading: Hashable, Sendable {
    /// An input whose own keys are right, and where its file name stands.
    public struct Input: Hashable, Sendable {
        public var file: InputFile
        public var line: Int
        public var column: Int
    }

    /// A key and where it stands.
    public struct Key: Hashable, Sendable {
        public var name: String
        public var line: Int
        public var column: Int
    }

    public var outcome: ManifestOutcome
    public var inputs: [Input]
    /// The comparing program, when its keys are right.
    public var program: Input?
    /// The app that the manifest names; nil when it names none that is known.
    public var app: AppSchema?
    /// The keys below `parameters`, in the order of the text.
    public var parameters: [Key] = []
    /// The values below `parameters` that are right.
    public var values: [Parameter] = []
    /// The parameters whose value is not known: it is wrong, or required and missing. What depends on one of them
    /// cannot be judged.
    public var brokenParameters: Set<String> = []
    /// Where `parameters` stands; without it, where `app` does.
    public var parametersLine = 1
    public var parametersColumn = 1
}

/// A position in the text, both from 1.
struct Place: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static let start = Place(line: 1, column: 1)
    static func < (a: Place, b: Place) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// Collects faults while the parser goes on.
struct FaultList {
    let file: String
    private(set) var faults: [ManifestFault] = []
    private(set) var warnings: [ManifestFault] = []
    /// Places where nothing more is said.
    private var settled: Set<Place> = []

    init(file: String) {
        self.file = file
    }

    mutating func add(_ place: Place, _ message: String, expected: String? = nil, suggestion: String? = nil) {
        guard !settled.contains(place) else { return }
        faults.append(fault(place, message, expected, suggestion))
    }

    /// A fault after which whatever else is wrong with the same value is no news.
    mutating func settle(_ place: Place, _ message: String, expected: String) {
        add(place, message, expected: expected)
        settled.insert(place)
    }

    mutating func warn(_ place: Place, _ message: String, expected: String? = nil) {
        warnings.append(fault(place, message, expected, nil))
    }

    private func fault(_ place: Place, _ message: String, _ expected: String?, _ suggestion: String?) -> ManifestFault {
        ManifestFault(
            file: file, line: place.line, column: place.column, message: message, expected: expected,
            suggestion: suggestion)
    }

    /// In the order of the text; a stable sort, so that equal places keep the order of the rules.
    static func sorted(_ faults: [ManifestFault]) -> [ManifestFault] {
        faults.enumerated().sorted { a, b in
            (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
        }.map(\.element)
    }
}
