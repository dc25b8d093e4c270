import Domain
import FoundationEssentials

/// What a probe's end says. Only what it tells itself, or an end that it names, is a refusal: one that hangs or crashes
/// shows nothing, and a way of which nothing is shown counts as open.
package enum ProbeVerdict {
    static let secondsMax = 120.0

    /// - Parameters:
    ///   - output: what it wrote; the last line counts: a probe that replaces itself tells before it tries.
    ///   - wasCut: it had not ended in time.
    package static func ofKernel(output: [UInt8], exit: ChildExit, wasCut: Bool, words: String) -> EscapeFinding {
        if wasCut { return late }
        guard exit.code == 0, let finding = finding(output) else {
            return EscapeFinding(.open, "it says nothing: \(exit.reason) \(words)")
        }
        return finding
    }

    package static func ofProgram(
        _ probe: EscapeProbe, output: [UInt8], cause: EnclosedRun.End.Cause, wasCut: Bool, words: String
    ) -> EscapeFinding {
        if wasCut { return late }
        switch cause {
        case .memory(let why) where probe.ending == .memory, .output(let why) where probe.ending == .output:
            return EscapeFinding(.denied, "ended: \(why)")
        case .code(0):
            return finding(output) ?? EscapeFinding(.open, "it says nothing: \(words)")
        case .code, .signal, .memory, .output: return EscapeFinding(.open, "it says nothing: \(cause) \(words)")
        case .noSandbox(let why), .notExecutable(let why): return EscapeFinding(.open, "it did not run: \(why)")
        }
    }

    private static let late = EscapeFinding(.open, "it did not end within \(Int(secondsMax)) s")

    static func finding(_ output: [UInt8]) -> EscapeFinding? {
        output.split(separator: UInt8(ascii: "\n")).last.flatMap {
            try? JSONDecoder().decode(EscapeFinding.self, from: Data($0))
        }
    }
}
