import CPosix
import Domain
import FoundationEssentials
import Glibc

/// Which layers hold tasks on this computer; found out by entering them.
public struct SandboxAnswer: Sendable, Hashable, Codable {
    /// For the kernels that are part of Millrace.
    public var kernel: SandboxLayers
    /// For scientists' programs.
    public var program: SandboxLayers

    public init(kernel: SandboxLayers, program: SandboxLayers) {
        self.kernel = kernel
        self.program = program
    }

    /// Asks `millrace-worker`; takes some tens of milliseconds.
    ///
    /// - Parameter leftOut: layers that are left out, for tests.
    /// - Throws: `.software` when it does not answer, `.noInput` when there is none.
    public static func ask(worker: String, leftOut: Set<SandboxLayer> = []) throws(Fault) -> SandboxAnswer {
        let words = SandboxDemand(leftOut).words.joined(separator: ",")
        let options = leftOut.isEmpty ? [] : ["--without", words]
        let end = try CapturedRun.perform(worker, ["layers"] + options, timeoutSeconds: 60)
        guard end.exit.code == 0, let answer = try? JSONDecoder().decode(SandboxAnswer.self, from: Data(end.output))
        else { throw Fault(.software, "\(worker) does not say what sandbox it has: \(end.words)") }
        return answer
    }
}

/// A short run of a program whose output is kept.
enum CapturedRun {
    struct End {
        var exit: ChildExit
        var output: [UInt8]
        /// The end of its errors, or how it ended.
        var words: String
        /// It had not ended in time, and was killed.
        var wasCut: Bool
    }

    /// - Parameters:
    ///   - input: becomes its standard input; nil: nothing to read.
    ///   - more: become its descriptors 3, 4, ...
    static func perform(
        _ executable: String, _ arguments: [String], timeoutSeconds: Double, input: Int32? = nil, more: [Int32] = []
    ) throws(Fault) -> End {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard null >= 0 else { throw Files.fault("open", "/dev/null") }
        defer { close(null) }
        let output = try ReadingEnd(bytesMax: 1 << 20, keepsEnd: false)
        let errors = try ReadingEnd(bytesMax: 2000, keepsEnd: true)
        let child = try ChildProcess.start(
            ChildProcess.Launch(
                executable: executable, arguments: arguments, folder: "/", input: input ?? null,
                output: output.writing, errors: errors.writing, more: more))
        for end in [output, errors] { end.closeWriting() }
        let deadline = millrace_monotonic_seconds() + timeoutSeconds
        let cut = BoundedWait.wait(for: child.pid, until: deadline, [output, errors], whoAsks: nil)
        if cut != nil { child.signal(SIGKILL) }
        let exit = child.reap()
        let words = PrintableText.clean(String(decoding: errors.bytes, as: UTF8.self))
        return End(exit: exit, output: output.bytes, words: words.isEmpty ? exit.reason : words, wasCut: cut != nil)
    }
}
