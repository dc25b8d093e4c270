import Domain

/// A position in the text, both from 1.
package struct Place: Hashable, Comparable, Sendable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static let start = Place(line: 1, column: 1)
    package static func < (a: Place, b: Place) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// Collects faults while a parser goes on.
package struct FaultList {
    let file: String
    package private(set) var faults: [TextFault] = []
    package private(set) var warnings: [TextFault] = []
    /// Places where nothing more is said.
    private var settled: Set<Place> = []

    package init(file: String) {
        self.file = file
    }

    package mutating func add(_ place: Place, _ message: String, expected: String? = nil, suggestion: String? = nil) {
        guard !settled.contains(place) else { return }
        faults.append(fault(place, message, expected, suggestion))
    }

    /// A fault after which whatever else is wrong with the same value is no news.
    package mutating func settle(_ place: Place, _ message: String, expected: String) {
        add(place, message, expected: expected)
        settled.insert(place)
    }

    package mutating func warn(_ place: Place, _ message: String, expected: String? = nil) {
        warnings.append(fault(place, message, expected, nil))
    }

    private func fault(_ place: Place, _ message: String, _ expected: String?, _ suggestion: String?) -> TextFault {
        TextFault(
            file: file, line: place.line, column: place.column, message: message, expected: expected,
            suggestion: suggestion)
    }

    /// In the order of the text; a stable sort, so that equal places keep the order of the rules.
    package static func sorted(_ faults: [TextFault]) -> [TextFault] {
        faults.enumerated().sorted { a, b in
            (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
        }.map(\.element)
    }
}
