import Domain
import Foundation
import Preferences
import Testing

@Suite("Documents of the preferences")
struct DocumentTests {
    private static let isRecording = ProcessInfo.processInfo.environment["MILLRACE_RECORD"] == "1"

    @Test("The table in the document is the table of the parser")
    func table() throws {
        let file = Text.root.appending(path: "docs/preferences.md")
        var whole = try String(contentsOf: file, encoding: .utf8)
        let from = try #require(whole.range(of: PreferencesDocument.begin + "\n"))
        let to = try #require(whole.range(of: PreferencesDocument.end))
        if Self.isRecording {
            whole.replaceSubrange(from.upperBound..<to.lowerBound, with: PreferencesDocument.table)
            try whole.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(String(whole[from.upperBound..<to.lowerBound]) == PreferencesDocument.table)
        }
    }

    @Test("The example in the repository is the one that the program prints")
    func example() throws {
        let file = Text.root.appending(path: "client/preferences.yaml")
        if Self.isRecording { try PreferencesExample.text.write(to: file, atomically: true, encoding: .utf8) }
        #expect(try String(contentsOf: file, encoding: .utf8) == PreferencesExample.text)
    }

    @Test("The example is right and changes nothing, as it stands and with every field taken in")
    func exampleIsTheDefault() throws {
        #expect(try Text.effective(PreferencesExample.text)?.preferences == Preferences.standard)
        let lines = PreferencesExample.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && !line.hasPrefix("#   ")
                || line.hasPrefix("#  ") && line.dropFirst(3).first != " "
                ? line.dropFirst() : line
        }
        let full = try #require(try Text.effective(lines.joined(separator: "\n")))
        #expect(full.preferences == Preferences.standard)
        for entry in full.entries {
            guard case .file = entry.origin else {
                Issue.record("\(entry.key.path) is not in the example")
                continue
            }
        }
    }

    @Test("Every example in the document is right")
    func examplesInTheDocument() throws {
        let whole = try String(contentsOf: Text.root.appending(path: "docs/preferences.md"), encoding: .utf8)
        let blocks = whole.components(separatedBy: "```yaml\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(blocks.count >= 2)
        for block in blocks { #expect(Text.faults(block).map(\.text) == [], "\(block)") }
    }
}
