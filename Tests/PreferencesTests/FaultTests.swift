import Bytes
import Domain
import Preferences
import Testing

@Suite("What is wrong with a file")
struct FaultTests {
    static let places: [(text: String, line: Int, column: Int, start: String, suggestion: String?)] = [
        ("presett: quiet\n", 1, 1, "unknown field `presett`", "preset"),
        ("preset: quite\n", 1, 9, "`preset`: `quite` is none of the valid words", "quiet"),
        ("in_us:\n  cores: 1\n", 1, 1, "unknown field `in_us`", "in_use"),
        ("in_use:\n  corse: 1\n", 2, 3, "unknown field `corse` in `in_use`", "cores"),
        ("in_use:\n  cores: 0\n", 2, 10, "`in_use.cores`: `0` is out of range", nil),
        ("in_use:\n  cores:\n", 2, 3, "`in_use.cores`: nothing stands here", nil),
        ("in_use: 4\n", 1, 9, "`in_use`: `4` stands here", nil),
        ("in_use:\n  - cores: 4\n", 2, 3, "`in_use`: a list of one element stands here", nil),
        ("checkpoint: 60\n", 1, 1, "unknown field `checkpoint`", "work.checkpoint"),
        ("cores: 2\n", 1, 1, "unknown field `cores`", "in_use.cores or not_in_use.cores"),
        ("pause:\n  keep_free: 1\n", 2, 3, "unknown field `keep_free` in `pause`", "disk.keep_free"),
        ("in_use:\n  cores: 1\n  cores: 2\n", 3, 3, "the key `cores` stands twice, first in line 2", nil),
        ("in_use:\n\tcores: 1\n", 2, 1, "the YAML is broken", nil),
        ("in_use: &a\n  cores: 1\n", 1, 9, "an anchor (`&`) stands here", nil),
        ("- preset: quiet\n", 1, 1, "a list of one element stands here", nil),
        (
            "pause:\n  exclusive_programs:\n    - good\n    - [bad]\n", 4, 7, "`pause.exclusive_programs`: a list of",
            nil
        ),
        ("shares:\n  https://a: 1\n  ftp://b: 2\n", 3, 3, "`shares`: `ftp://b` is no address of a project", nil),
        ("shares:\n  https://a: lots\n", 2, 14, "`shares`: `lots` stands here", nil),
        (
            "permission:\n  file: /a\n  command: [/b]\n", 3, 12, "`permission.command` beside `permission.file`", nil
        ),
    ]

    @Test("Each fault has its line, its column and the nearest word", arguments: places.indices)
    func place(at index: Int) throws {
        let sample = Self.places[index]
        let fault = try #require(Text.faults(sample.text).first, "\(sample.text)")
        #expect((fault.line, fault.column) == (sample.line, sample.column), "\(fault.text)")
        #expect(fault.message.hasPrefix(sample.start), "\(fault.text)")
        #expect(fault.suggestion == sample.suggestion, "\(fault.text)")
        #expect(fault.text.hasPrefix("p.yaml:\(sample.line):\(sample.column): "))
    }

    @Test("All faults are told at once, in the order of the text")
    func allAtOnce() {
        let faults = Text.faults(
            "preset: loud\nin_use:\n  cores: 0\n  cpu: 200 %\nnowhere: 1\npause:\n  full_screen: perhaps\n")
        #expect(faults.map(\.line) == [1, 3, 4, 5, 7])
    }

    @Test("A file without a field is right: the preset holds", arguments: ["", "\n\n", "# only\n  # comments\n"])
    func blank(text: String) throws {
        #expect(try Text.effective(text)?.preferences == Preferences.standard)
    }

    @Test("An empty section is right")
    func emptySection() throws {
        #expect(try Text.effective("in_use:\npause:\nshares:\n")?.preferences == Preferences.standard)
    }

    @Test("A text that is too long, or too deep, is refused before anything reads it")
    func bounds() {
        #expect(!Text.faults(String(repeating: "#\n", count: PreferencesParser.bytesMax)).isEmpty)
        #expect(!Text.faults("a: " + String(repeating: "[", count: 200)).isEmpty)
        let names = (0..<65).map { "p\($0)" }.joined(separator: ", ")
        #expect(!Text.faults(Text.file("pause.exclusive_programs", "[\(names)]")).isEmpty)
        let long = String(repeating: "x", count: 1025)
        #expect(!Text.faults(Text.file("permission.file", "/\(long)")).isEmpty)
    }

    @Test("Whatever is done to a good file, it is taken or refused, with places inside the text")
    func mutated() {
        var random = SeededGenerator(seed: 17)
        let good = Array(PreferencesExample.text.replacing("\n#", with: "\n").utf8)
        for _ in 0..<400 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...127, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(Array(":-[]{}#&*!\"' \n\t%".utf8).randomElement(using: &random) ?? 32, at: at)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
            for fault in Text.faults(text) {
                #expect(fault.line >= 1 && fault.line <= lines + 1 && fault.column >= 1, "\(fault.text)")
            }
        }
    }
}
