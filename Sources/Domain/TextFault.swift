/// One thing that is wrong, or doubtful, in a text that a person wrote: a manifest, preferences.
public struct TextFault: Hashable, Sendable {
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
