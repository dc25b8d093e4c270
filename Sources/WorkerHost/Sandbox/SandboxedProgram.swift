import CPosix
import Domain
import Glibc

/// A scientist's program, run once on the server's machine: it reads folders and writes a few bytes.
///
/// bubblewrap gives it namespaces of its own: no network, no other processes, no files but the system's programs and
/// libraries, its own file and its folders (all read-only) and 64 MiB in `/tmp`; no privileges, no way to gain any, and
/// not the root user of the machine, whoever started the server. Memory, CPU time, open files and processes are
/// limited; everything that it started ends with it. Its files lie in memory, so that nothing can be left behind.
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
    private let whoAsks: Int32?

    /// - Parameters:
    ///   - name: its file name, of letters, digits, `.`, `_` and `-`.
    ///   - folders: by name; each lies at the root.
    ///   - outputBytesMax: what it writes beyond that is thrown away.
    ///   - whoAsks: a socket of who waits for the answer: when its other end is closed, nobody does, and the program is
    ///     ended.
    public init(
        name: String, program: [UInt8], arguments: [String], folders: [String: [File]], timeoutSeconds: Double,
        outputBytesMax: Int, whoAsks: Int32? = nil
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.folders = folders
        self.timeoutSeconds = timeoutSeconds
        self.outputBytesMax = outputBytesMax
        self.whoAsks = whoAsks
    }

    /// - Returns: what it wrote to its standard output.
    /// - Throws: `.badData` when it ended with another code than 0 or by a signal, with its last words; `.interrupted`
    ///   when not in time; `.configuration` when this machine has no sandbox or could not make one now; `.osError` when
    ///   the system refuses.
    public func run() throws(Fault) -> [UInt8] {
        try Bubblewrap.check()
        var files = [MemoryFile]()
        files.append(try MemoryFile("/program/\(name)", program, isProgram: true))
        for (folder, contents) in folders.sorted(by: { $0.key < $1.key }) {
            for file in contents { files.append(try MemoryFile("/\(folder)/\(file.name)", file.bytes)) }
        }
        let end = try Bubblewrap.run(
            Bubblewrap.Call(
                command: ["/program/\(name)"] + arguments, files: files, timeoutSeconds: timeoutSeconds,
                outputBytesMax: outputBytesMax, whoAsks: whoAsks))
        switch end.ending {
        case .late: throw Fault(.interrupted, "it did not end within \(timeoutSeconds) s")
        case .unwanted: throw Fault(.osError, "nobody waits for its answer any more")
        case .notStarted:
            throw Fault(.configuration, "the sandbox could not be made: \(end.words)", advice: Bubblewrap.advice)
        case .exited(0): return end.output
        case .exited(let code):
            let reason = code > 128 ? "signal \(code - 128)" : "exit code \(code)"
            throw Fault(.badData, "it ended with \(reason)\(end.words.isEmpty ? "" : ": \(end.words)")")
        }
    }
}

/// A file without a name on any disk.
final class MemoryFile {
    let path: String
    let isProgram: Bool
    let descriptor: Int32

    /// - Parameter path: where the sandbox has it.
    init(_ path: String, _ bytes: [UInt8], isProgram: Bool = false) throws(Fault) {
        self.path = path
        self.isProgram = isProgram
        descriptor = memfd_create("millrace", 1 /* MFD_CLOEXEC */)
        guard descriptor >= 0 else { throw Files.fault("make in memory", path) }
        try Files.write(bytes, to: descriptor, path)
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Files.fault("rewind", path) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
