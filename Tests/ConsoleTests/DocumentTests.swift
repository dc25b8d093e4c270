import Console
import Domain
import Foundation
import Testing

@Suite struct DocumentTests {
    static let guide: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "docs/scientist.md"), encoding: .utf8)) ?? ""
    }()

    @Test func everyExitCodeIsDocumented() {
        for kind in FaultKind.allCases {
            #expect(Self.guide.contains("| \(kind.rawValue) | `\(kind.word)` |"), "\(kind)")
        }
    }

    @Test func wordsAndCodesOfFaultsAreDistinct() {
        #expect(Set(FaultKind.allCases.map(\.word)).count == FaultKind.allCases.count)
        #expect(Set(FaultKind.allCases.map(\.rawValue)).count == FaultKind.allCases.count)
    }

    /// Every key in the JSON of a value, at any depth.
    static func keys(_ value: Any) -> Set<String> {
        if let object = value as? [String: Any] {
            return object.reduce(into: Set(object.keys)) { $0.formUnion(keys($1.value)) }
        }
        if let list = value as? [Any] { return list.reduce(into: []) { $0.formUnion(keys($1)) } }
        return []
    }

    static func undocumented(_ line: String) throws -> [String] {
        try keys(object(line)).filter { !guide.contains("`\($0)`") }.sorted()
    }
}
