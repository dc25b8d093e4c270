/// Why a scalar is not what its key wants.
package struct ValueFault: Error {
    package var message: String
    package var expected: String?
    package var suggestion: String?
    /// Of the element of a list; nil: of the whole value.
    package var place: Place?

    package init(message: String, expected: String? = nil, suggestion: String? = nil, place: Place? = nil) {
        self.message = message
        self.expected = expected
        self.suggestion = suggestion
        self.place = place
    }
}

/// Scalars as values, each refusal with what would be right.
package enum Scalars {
    /// A number with one of the units, in the unit that has the factor 1.
    ///
    /// - Parameter found: the text as messages show it.
    package static func quantity(
        _ text: String, _ found: String, _ units: [(word: String, factor: Double)], expected: String
    ) throws(ValueFault) -> Double {
        switch Quantities.withUnit(text, units) {
        case .value(let value): return value
        case .tooLarge: throw ValueFault(message: "\(found) is out of range", expected: expected)
        case .noNumber: throw ValueFault(message: "\(found) does not begin with a number", expected: expected)
        case .unknownUnit(let word):
            throw ValueFault(
                message: "\(found) has the unknown unit `\(YAMLNode.short(word))`", expected: expected,
                suggestion: Nearest.word(to: word, in: units.map(\.word)))
        }
    }

    /// One of the words.
    package static func word(
        _ text: String, _ found: String, _ words: [String], _ expected: String
    ) throws(ValueFault) -> String {
        guard words.contains(text) else {
            throw ValueFault(
                message: "\(found) is none of the valid words", expected: expected,
                suggestion: Nearest.word(to: text, in: words))
        }
        return text
    }
}
