import Domain
import Foundation
import Manifest
import Testing

@Suite struct ManifestFaultTests {
    @Test func manyFaultsAreReportedAtOnceWithTheirPlaces() throws {
        let golden = Golden.folder.appending(path: "Golden")
        let yaml = try String(contentsOf: golden.appending(path: "ten-faults.yaml"), encoding: .utf8)
        let faults = Fixtures.faults(yaml)
        let text = faults.map(\.text).joined(separator: "\n") + "\n"
        #expect(faults.count >= 10)
        #expect(try Golden.text(of: golden.appending(path: "ten-faults.txt"), recording: text) == text)
    }

    @Test func faultsComeInTheOrderOfTheText() {
        let faults = Fixtures.faults("credit:\n  factor: 99\nzzz: 1\nname: ok\n")
        let places = faults.map { [$0.line, $0.column] }
        #expect(places == places.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test func aMissingKeyNamesItsSection() throws {
        let text = Fixtures.manifest().replacing("  steps_per_unit: 1", with: "")
        let fault = try #require(Fixtures.faults(text).first)
        #expect(Fixtures.faults(text).count == 1)
        #expect(fault.message.contains("split.steps_per_unit"))
        #expect(fault.line == 7)
    }

    @Test func aSectionThatIsMissingIsOneFault() throws {
        let text = Fixtures.manifest().replacing("split:\n  steps_per_unit: 1", with: "")
        let faults = Fixtures.faults(text)
        #expect(faults.map(\.message) == ["the required key `split` is missing"])
        #expect(faults.first?.expected?.contains("steps_per_unit") == true)
    }

    @Test(arguments: [
        ("quorom: 3", "replication.quorum is not given", "quorum"), ("max_totl: 9", "", "max_total"),
        ("dedline: 1 h", "", "deadline"), ("maxErrors: 3", "", "max_errors"), ("max-errors: 3", "", "max_errors"),
    ])
    func aMisspeltKeyGetsTheNearestWord(line: String, _: String, word: String) throws {
        let fault = try #require(Fixtures.faults(Fixtures.manifest("replication:\n  \(line)")).first)
        #expect(fault.suggestion == word)
        #expect((fault.line, fault.column) == (10, 3))
    }

    @Test func aKeyOfAnotherSectionIsSentThere() throws {
        let fault = try #require(Fixtures.faults(Fixtures.manifest("quorum: 2")).first)
        #expect(fault.suggestion == "replication.quorum")
    }

    @Test func theValueOfAMisspeltKeyIsCheckedInTheSameRun() {
        let faults = Fixtures.faults(Fixtures.manifest("replication:\n  quorom: 99"))
        #expect(faults.count == 2)
        #expect(faults.last?.message.contains("out of range") == true)
    }

    @Test func aNumberTooLargeForADoubleIsOutOfRange() {
        for line in ["replication:\n  deadline: 1e400 h", "resources:\n  memory: 1e999", "credit:\n  factor: 1e400"] {
            let faults = Fixtures.faults(Fixtures.manifest(line))
            #expect(faults.map { $0.message.hasSuffix("is out of range") } == [true], "\(faults)")
        }
    }

    @Test func whatIsExpectedIsSaidOnce() {
        let faults = Fixtures.faults(Fixtures.manifest("validation:\n  check_each: maybe"))
        #expect(faults.map(\.expected) == ["true or false"])
    }

    @Test func everyRepeatedKeyIsReported() {
        let text = Fixtures.manifest(
            """
            title: Again
            "title": Once more
            replication: {quorum: 2, "quorum": 3}
            credit:
              factor: 1
              factor: 2
            """)
        let faults = Fixtures.faults(text)
        #expect(faults.map { [$0.line, $0.column] } == [[9, 1], [10, 1], [11, 26], [14, 3]])
        #expect(faults.allSatisfy { $0.message.contains("stands twice") })
    }

    @Test(arguments: [
        ("a: [1, 2", 2), ("name: x\n\tb: 1", 2), ("name: a: b", 1), ("name: 'x", 1), ("name: x\n---\nname: y", 2),
        ("- a\n- b", 1), ("", 1), ("just words", 1), ("# only a comment", 1),
    ])
    func brokenYAMLGivesALineAndOneFault(text: String, line: Int) throws {
        let faults = Fixtures.faults(text)
        #expect(faults.count == 1)
        let fault = try #require(faults.first)
        #expect(fault.line >= line && fault.line <= line + 1)
        #expect(!fault.message.contains("YamlError"))
    }

    @Test func aByteOrderMarkIsSkipped() throws {
        #expect(Fixtures.faults("\u{FEFF}" + Fixtures.manifest()) == [])
        let fault = try #require(Fixtures.faults("\u{FEFF}zzz: 1\n" + Fixtures.manifest()).first)
        #expect((fault.line, fault.column) == (1, 1))
        #expect(Fixtures.faults("\u{FEFF}").count == 1)
    }

    @Test func aTabIsNamed() throws {
        let fault = try #require(Fixtures.faults("split:\n\tsteps_per_unit: 1\n").first)
        #expect(fault.expected?.contains("tab") == true)
    }

    @Test func columnsCountScalarsAfterAccents() throws {
        let text = Fixtures.manifest().replacing("title: A title", with: "title: é\ncrédit: {factor: 99}")
        let fault = try #require(Fixtures.faults(text).first { $0.message.contains("credit.factor") })
        #expect((fault.line, fault.column) == (3, 18))
    }
}
