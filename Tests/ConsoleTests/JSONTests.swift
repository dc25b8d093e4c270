import Console
import Domain
import Foundation
import Testing

@Suite struct JSONTests {
    @Test func whatIsWrittenCanBeReadByOthers() throws {
        let texts = ["", "a\"b\\c", "\u{0}\u{1B}\u{7F}", "é漢\u{1F680}", "line\nbreak\ttab", "\u{202E}"]
        for text in texts {
            let line = JSONValue.members([("k", .text(text))]).line
            #expect(try object(line)["k"] as? String == text)
            #expect(!line.unicodeScalars.contains { $0.value < 32 })
        }
    }

    @Test func numbersKeepEveryBit() throws {
        for value in [0.1, 1e-300, 1.7976931348623157e308, 205.5306991, -0.0] {
            let read = try object(JSONValue.members([("x", .real(value))]).line)["x"] as? Double
            #expect(read == value)
        }
        #expect(JSONValue.real(.infinity).line == "null")
        #expect(JSONValue.unsigned(.max).line == "18446744073709551615")
        #expect(JSONValue.integer(.min).line == "-9223372036854775808")
    }

    @Test func keysKeepTheirOrder() {
        let value = JSONValue.members([("b", .integer(1)), ("a", .list([.null, .flag(true)]))])
        #expect(value.line == "{\"b\":1,\"a\":[null,true]}")
        #expect(value["a"] == .list([.null, .flag(true)]))
        #expect(value["c"] == nil)
    }

    @Test func faultsAreJSONToo() throws {
        let recorder = Recorder()
        let code = CommandContext(screen: recorder, asJSON: true).run { (_) throws(Fault) in
            throw Fault(.unreachable, "nobody answers", advice: "Look.")
        }
        #expect(code == 69)
        #expect(recorder.out == "")
        let error = try object(recorder.err)["error"] as? [String: Any]
        #expect(error?["kind"] as? String == "unreachable")
        #expect(error?["exit_code"] as? Int == 69)
        #expect(error?["message"] as? String == "nobody answers")
    }

    @Test(arguments: [
        (["lint", "--json", "--wrong"], true), (["--json"], true), (["lint", "--wrong"], false),
        (["lint", "--", "--json"], false), (["lint", "--jsonx"], false),
    ])
    func wrongArgumentsBesideJSONAreJSON(arguments: [String], isJSON: Bool) throws {
        let recorder = Recorder()
        let code = CommandContext.refuse(arguments, "Unknown option", on: recorder)
        #expect(code == (isJSON ? 64 : nil))
        #expect(recorder.out == "")
        guard isJSON else {
            #expect(recorder.err == "")
            return
        }
        let error = try object(recorder.err)["error"] as? [String: Any]
        #expect(error?["kind"] as? String == "usage")
        #expect(error?["message"] as? String == "Unknown option")
    }

    @Test func anAnswerThatCannotBeWrittenIsAFault() {
        let recorder = Recorder(writeFault: Fault(.cannotWrite, "standard output cannot be written: no space"))
        let code = CommandContext(screen: recorder, asJSON: false).run { (_) throws(Fault) in 0 }
        #expect(code == 73)
        #expect(recorder.err.contains("no space"))
    }

    @Test func faultsForPeopleCarryTheAdvice() {
        let recorder = Recorder()
        let code = CommandContext(screen: recorder, asJSON: false).run { (_) throws(Fault) in
            throw Fault(.badData, "x\u{1B}[1m is wrong", advice: "Mend it.")
        }
        #expect(code == 65)
        #expect(recorder.err == "millrace: x?[1m is wrong\n  Mend it.\n")
    }
}
