import Domain
import Plugins

/// Reads an app's parameters and collects what is wrong with single ones.
struct ParameterReading: Hashable, Sendable {
    private let values: [String: ParameterValue]
    private(set) var faults: [AppError] = []
    /// Parameters whose value is not known; what depends on them is not judged.
    private(set) var unread: Set<String> = []

    init(_ values: [String: ParameterValue]) {
        self.values = values
    }

    /// - Returns: nil when it is not given or no text.
    mutating func text(_ name: String) -> String? {
        switch values[name] {
        case .none: return nil
        case .text(let word)?: return word
        default:
            refuse(name, "the value has another type; expected: a text")
            return nil
        }
    }

    /// One of the words of a type. - Parameter noun: what such a word is, for people.
    mutating func word<Word: RawRepresentable & CaseIterable>(_ name: String, noun: String, default fallback: Word)
        -> Word where Word.RawValue == String
    {
        guard let given = text(name) else { return fallback }
        if let found = Word(rawValue: given) { return found }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        refuse(name, "`\(given)` is no \(noun); expected: one of \(words)")
        return fallback
    }

    mutating func whole(_ name: String, _ range: ClosedRange<Int>, default fallback: Int) -> Int {
        switch values[name] {
        case .none: return fallback
        case .integer(let value)? where range.contains(Int(clamping: value)): return Int(clamping: value)
        default:
            refuse(
                name, "the value is out of range; expected: a whole number, \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
    }

    private mutating func refuse(_ name: String, _ why: String) {
        faults.append(.badParameter(name: name, why))
        unread.insert(name)
    }
}
