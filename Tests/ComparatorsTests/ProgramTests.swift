import Bytes
import Comparators
import Domain
import Plugins
import Synchronization
import Testing

@Suite struct ProgramTests {
    private static func parse(_ text: String) throws(Fault) -> Agreement { try ProgramAnswer.parse(Array(text.utf8)) }

    @Test func answersThatAreSome() throws {
        #expect(try Self.parse("same") == .same)
        #expect(try Self.parse("same\n") == .same)
        let found = Difference(element: "power[3]", distance: 0.5, tolerance: 1e-3)
        #expect(try Self.parse("different power[3] 0.5 1e-3\n") == .different(found))
        #expect(
            try Self.parse("different shape inf 0")
                == .different(Difference(element: "shape", distance: .infinity, tolerance: 0)))
    }

    @Test(arguments: [
        "", "\n", "Same", "same ", " same", "same\n\n", "same\r\n", "same\nsame", "different", "different x 1",
        "different x 1 0 0", "different  x 1 0", "different x nan 0", "different x -1 0", "different x 1 -1",
        "different x 1 inf", "different x 1 1", "different x 0.5 1", "different x 0x10 1", "different x infinity 1",
        "different x 1e999 1", "different x\u{1B} 1 0", "different é 1 0", "maybe",
        "different \(String(repeating: "x", count: 129)) 1 0", "same\(String(repeating: " ", count: 600))",
    ])
    func answersThatAreNone(_ text: String) {
        #expect(throws: Fault.self) { try Self.parse(text) }
    }

    @Test func anyBytesAreReadOrRefused() {
        trials { random in
            var bytes = Array("different power[3] 0.5 1e-3\n".utf8)
            for _ in 0...random.nextIndex(below: 3) {
                bytes[random.nextIndex(below: bytes.count)] = UInt8(random.nextIndex(below: 256))
            }
            guard case .different(let found)? = try? ProgramAnswer.parse(bytes) else { return nil }
            return found.distance > found.tolerance && !found.element.isEmpty ? nil : "\(found)"
        }
    }

    @Test func namesArgumentsAndTimes() throws {
        let runner = Recorder(answer: "same")
        for name in ["", ".hidden", "-rf", "a/b", "../a", "a b", "ä", String(repeating: "a", count: 65)] {
            #expect(throws: Fault.self) { try ProgramComparator(ProgramRule(program: name), runner: runner) }
        }
        for rule in [
            ProgramRule(program: "cmp", arguments: ["a\nb"]), ProgramRule(program: "cmp", timeoutSeconds: 0),
            ProgramRule(program: "cmp", arguments: Array(repeating: "x", count: 33)),
        ] {
            #expect(throws: Fault.self) { try ProgramComparator(rule, runner: runner) }
        }
        _ = try ProgramComparator(ProgramRule(program: "compare-2.1_x", arguments: ["--strict"]), runner: runner)
    }

    @Test func foldersHoldNoNamesOfStrangers() {
        let payload = Payload(reals("../../etc", [1]), text("a\tb\n", "word"))
        let files = ProgramFolder.files(payload)
        #expect(files.map(\.name) == ["sections.tsv", "0.float64", "1.utf8"])
        #expect(
            String(decoding: files[0].bytes, as: UTF8.self) == "0.float64\tfloat64\t../../etc\n1.utf8\tutf8\ta b \n")
        #expect(files[1].bytes == payload.sections[0].bytes)
    }

    /// A program that always calls the first result the worse one: what it is asked does not depend on the order.
    private final class Recorder: ComparisonProgramRunner {
        let asked = Mutex<[[ProgramFolder.File]]>([])
        let answer: String

        init(answer: String) { self.answer = answer }

        func run(
            _ rule: ProgramRule, first: [ProgramFolder.File], second: [ProgramFolder.File]
        ) throws(Fault) -> [UInt8] {
            asked.withLock { $0.append(first) }
            return Array(answer.utf8)
        }
    }

    @Test func pairIsAskedAboutInOneOrderAndEqualResultsNotAtAll() throws {
        let runner = Recorder(answer: "different x 2 1\n")
        let comparator = try ProgramComparator(ProgramRule(program: "cmp"), runner: runner)
        let (a, b) = (Payload(reals("x", [1])), Payload(reals("x", [2])))
        #expect(try comparator.compare(a, b) == comparator.compare(b, a))
        #expect(try comparator.compare(a, a) == .same)
        let asked = runner.asked.withLock { $0 }
        #expect(asked.count == 2 && asked[0] == asked[1])
        let broken = try ProgramComparator(ProgramRule(program: "cmp"), runner: Recorder(answer: "yes"))
        #expect(throws: Fault.self) { try broken.compare(a, b) }
    }
}
