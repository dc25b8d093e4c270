import CPosix
import Confinement
import Domain
import Glibc

/// A scientist's program, run once on the server's machine: it reads folders and writes a few bytes.
///
/// It runs in an `Enclosure`: no network, no other processes, no files but the system's programs and libraries, its own
/// file and its folders (all read-only) and 64 MiB in `/tmp`; no privileges, no way to gain any, and not the root user
/// of the machine, whoever started the server. Memory, CPU time, open files and processes are limited; everything that
/// it started ends with it. Its files lie in memory, so that nothing can be left behind.
public struct SandboxedProgram: Sendable {
    /// A file that it may read.
    public struct File: Sendable {
        public var name: String
        public var bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    private let name: String
    private let program: [UInt8]
    private let arguments: [String]
    private let folders: [String: [File]]
    private let timeoutSeconds: Double
    private let outputBytesMax: Int
    private let memoryBytesMax: Int
    private let whoAsks: Int32?

    /// - Parameters:
    ///   - name: its file name, of letters, digits, `.`, `_` and `-`.
    ///   - folders: by name; each lies at the root.
    ///   - outputBytesMax: what it writes beyond that is thrown away.
    ///   - memoryBytesMax: of all its processes together, and of the address space of each.
    ///   - whoAsks: a socket of who waits for the answer: when its other end is closed, nobody does, and the program is
    ///     ended.
    public init(
        name: String, program: [UInt8], arguments: [String], folders: [String: [File]], timeoutSeconds: Double,
        outputBytesMax: Int, memoryBytesMax: Int = 4 << 30, whoAsks: Int32? = nil
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.folders = folders
        self.timeoutSeconds = timeoutSeconds
        self.outputBytesMax = outputBytesMax
        self.memoryBytesMax = memoryBytesMax
        self.whoAsks = whoAsks
    }

    private static let temporaryBytes = 64 << 20
    private static let wordsBytesMax = 200

    private var enclosure: Enclosure {
        var enclosure = Enclosure(
            command: ["/program/\(name)"] + arguments,
            environment: [
                "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "OPENBLAS_NUM_THREADS=1",
            ],
            bounds: Bounds(
                addressSpaceBytes: memoryBytesMax, fileBytes: Self.temporaryBytes, processes: 256,
                openFiles: 256, cpuSeconds: Int(timeoutSeconds.rounded(.up)) + 1))
        enclosure.temporaryBytes = Self.temporaryBytes
        enclosure.memoryBytes = memoryBytesMax
        return enclosure
    }

    /// - Returns: what it wrote to its standard output.
    /// - Throws: `.badData` when it ended with another code than 0 or by a signal, with its last words; `.interrupted`
    ///   when not in time; `.configuration` when this machine has no sandbox or could not make one now; `.osError` when
    ///   the system refuses.
    public func run() throws(Fault) -> [UInt8] {
        var contents = [EnclosedRun.Content(place: "/program/\(name)", bytes: program, isExecutable: true)]
        for (folder, files) in folders.sorted(by: { $0.key < $1.key }) {
            contents += files.map { .init(place: "/\(folder)/\($0.name)", bytes: $0.bytes) }
        }
        let output = try ReadingEnd(bytesMax: outputBytesMax, keepsEnd: false)
        let errors = try ReadingEnd(bytesMax: 4096, keepsEnd: true)
        let run = try EnclosedRun.launch(
            enclosure, contents, try WorkerLocator.find(), output: output.writing, errors: errors.writing)
        for end in [output, errors] { end.closeWriting() }
        let cut = BoundedWait.wait(
            for: run.pid, until: millrace_monotonic_seconds() + timeoutSeconds, [output, errors], whoAsks: whoAsks)
        if cut != nil { run.kill() }
        let words = PrintableText.clean(String(decoding: errors.bytes.suffix(Self.wordsBytesMax), as: UTF8.self))
        let end = run.collect(lastWords: words)
        switch cut {
        case .late: throw Fault(.interrupted, "it did not end within \(timeoutSeconds) s")
        case .unwanted: throw Fault(.osError, "nobody waits for its answer any more")
        case nil: break
        }
        switch end.cause {
        case .code(0): return output.bytes
        case .noSandbox(let why):
            throw Fault(.configuration, "there is no sandbox: \(why)", advice: EnclosedRun.advice)
        case .signal(let signal): throw Fault(.badData, "it ended with signal \(signal)\(Self.said(words))")
        case .code(let code): throw Fault(.badData, "it ended with exit code \(code)\(Self.said(words))")
        case .memory, .output, .notExecutable: throw Fault(.badData, "\(end.reason)\(Self.said(words))")
        }
    }

    private static func said(_ words: String) -> String { words.isEmpty ? "" : ": \(words)" }
}
