import CPosix
import Domain
import Glibc
import Synchronization

/// A scientist's program, run once on the server's machine: it reads folders and writes a few bytes.
///
/// bubblewrap gives it namespaces of its own: no network, no other processes, no files but the system's programs and
/// libraries, its own file and its folders (all read-only) and 64 MiB in `/tmp`; no privileges and no way to gain any.
/// Memory, CPU time, open files and processes are limited; everything that it started ends with it.
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

    let name: String
    let program: [UInt8]
    let arguments: [String]
    let folders: [String: [File]]
    let timeoutSeconds: Double
    let outputBytesMax: Int

    /// - Parameters:
    ///   - name: its file name, of letters, digits, `.`, `_` and `-`.
    ///   - folders: by name; each lies at the root.
    ///   - outputBytesMax: what it writes beyond that is thrown away.
    public init(
        name: String, program: [UInt8], arguments: [String], folders: [String: [File]], timeoutSeconds: Double,
        outputBytesMax: Int
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.folders = folders
        self.timeoutSeconds = timeoutSeconds
        self.outputBytesMax = outputBytesMax
    }

    /// - Returns: what it wrote to its standard output.
    /// - Throws: `.badData` when it ended with another code than 0, by a signal or not in time, with its last words;
    ///   `.configuration` when this machine has no sandbox; `.osError`, `.cannotWrite` when the system refuses.
    public func run() throws(Fault) -> [UInt8] {
        try Bubblewrap.check()
        let scratch = try Self.makeScratch()
        defer { try? Files.remove(scratch) }
        try Files.makeFolder("\(scratch)/program")
        try Files.replace("\(scratch)/program/\(name)", with: program, durable: false)
        guard chmod("\(scratch)/program/\(name)", 0o500) == 0 else {
            throw Files.fault("make executable", "\(scratch)/program/\(name)")
        }
        var binds = ["program"]
        for (folder, files) in folders {
            try Files.makeFolder("\(scratch)/\(folder)")
            for file in files {
                try Files.replace("\(scratch)/\(folder)/\(file.name)", with: file.bytes, durable: false)
            }
            binds.append(folder)
        }
        let launch = Bubblewrap.arguments(
            binds: binds.sorted().map { ("\(scratch)/\($0)", "/\($0)") },
            command: ["/program/\(name)"] + arguments, cpuSeconds: timeoutSeconds)
        let end = try Bubblewrap.run(launch, timeoutSeconds: timeoutSeconds, outputBytesMax: outputBytesMax)
        guard let exit = end.exit else {
            throw Fault(.badData, "it did not end within \(timeoutSeconds) s")
        }
        guard exit.code == 0 else {
            throw Fault(.badData, "it ended with \(exit.reason)\(end.words.isEmpty ? "" : ": \(end.words)")")
        }
        return end.output
    }

    private static func makeScratch() throws(Fault) -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/millrace-sandbox-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Files.fault("make a folder in", parent) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
