import Domain
import Manifest
import Testing

@Suite struct HostileYAMLTests {
    /// Nine levels of nine aliases: 387 million nodes when expanded.
    static let bomb: String = {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        return text
    }()

    @Test func anAliasBombIsRefusedWithoutExpansion() {
        let faults = Fixtures.faults(Self.bomb)
        #expect(faults.contains { $0.message.contains("alias") && $0.line == 2 })
        #expect(faults.contains { $0.message.contains("anchor") && $0.line == 1 })
    }

    @Test(arguments: [
        "replication:\n  quorum: *two", "replication: *all", "inputs: *all", "parameters: *all",
        "credit:\n  factor: *one",
    ])
    func anAliasIsOneFault(lines: String) {
        let faults = Fixtures.faults(Fixtures.manifest(lines))
        #expect(faults.map { $0.message.contains("alias") } == [true], "\(faults)")
    }

    @Test func aBombInAKeyIsRefusedWithoutExpansion() {
        let faults = Fixtures.faults(Self.bomb + "? *a9\n: 1\n? [*a9, *a9]\n: 2\n")
        #expect(faults.contains { $0.message.contains("alias") && $0.line == 2 })
        #expect(faults.contains { $0.message.contains("where a key should") && $0.line == 13 })
    }

    @Test func starsInTextAreKept() throws {
        let text = Fixtures.manifest().replacing(
            "description: What for.", with: "description: |\n  *bold* & more\n  * one\n  * two")
        let spec = try #require(Fixtures.spec(text))
        #expect(spec.description == "*bold* & more\n* one\n* two")
    }

    @Test(arguments: ["[", "{a: ", "? ", "- ", "{? [", "-\n "])
    func deepNestingIsRefused(open: String) {
        let text = "name: " + String(repeating: open, count: 50_000)
        #expect(!Fixtures.faults(String(text.prefix(200_000))).isEmpty)
        #expect(!Fixtures.faults(String(repeating: open, count: 40_000)).isEmpty)
    }

    @Test func aTooLargeManifestIsRefused() throws {
        let text = Fixtures.manifest() + "\n# " + String(repeating: "x", count: 300_000)
        let faults = Fixtures.faults(text)
        #expect(faults.count == 1)
        #expect(faults.first?.message.contains("bytes") == true)
    }

    @Test func manyRepeatedKeysEnd() {
        let text = String(repeating: "name: x\n", count: 5_000)
        #expect(Fixtures.faults(text).first?.message.contains("repeated") == true)
    }

    @Test(arguments: ["!!python/object x", "!include secret.yaml", "!!binary aGk="])
    func tagsAreRefused(value: String) {
        let text = Fixtures.manifest().replacing("title: A title", with: "title: \(value)")
        let faults = Fixtures.faults(text)
        #expect(faults.contains { $0.message.contains("tag") && $0.line == 2 })
    }

    @Test func controlCharactersAreRefusedWithTheirPlace() throws {
        let raw = Fixtures.faults(Fixtures.manifest("x: \u{1B}[2J"))
        #expect(raw.map { [$0.line, $0.column] } == [[9, 4]])
        let escaped = Fixtures.manifest().replacing("title: A title", with: "title: \"\\e[2J\"")
        #expect(Fixtures.faults(escaped).map(\.line) == [2])
        #expect(Fixtures.faults(escaped).allSatisfy { !$0.text.unicodeScalars.contains("\u{1B}") })
    }

    @Test func everyPrefixOfAManifestEnds() {
        let text = Array((Fixtures.manifest("replication: {quorum: 2, initial: 3}\ncredit:\n  factor: 0.5")).utf8)
        for length in 0..<text.count {
            let outcome = ManifestParser.parse(
                String(decoding: text[..<length], as: UTF8.self), file: "p", apps: Fixtures.apps)
            if case .faults(let faults) = outcome { #expect(!faults.isEmpty) }
        }
    }

    @Test(arguments: [UInt64](1...40))
    func mangledManifestsEnd(seed: UInt64) {
        var random = Draw(seed: seed)
        var bytes = Array(Fixtures.manifest("replication:\n  quorum: 2\n  deadline: 3 days").utf8)
        let marks = Array(":-?*&![]{}\"'|>\n\t #@`%,0aZ".utf8)
        for _ in 0..<8 {
            bytes[Int.random(in: bytes.indices, using: &random)] = marks.randomElement(using: &random)!
        }
        let outcome = ManifestParser.parse(String(decoding: bytes, as: UTF8.self), file: "p", apps: Fixtures.apps)
        if case .faults(let faults) = outcome { #expect(faults.allSatisfy { $0.line >= 1 && $0.column >= 1 }) }
    }
}
