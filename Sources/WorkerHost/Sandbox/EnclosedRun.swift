import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import Synchronization

/// A scientist's program that runs in an `Enclosure`: it can be stopped, continued, asked to end, and killed, with all
/// that it started.
///
/// `millrace-worker enclose` is the child that makes the enclosure and waits. When this process dies, however it dies,
/// that child's input ends; it asks the program to end and kills it ten seconds later.
public final class EnclosedRun: Sendable {
    /// A file that lies in memory inside, for example the program itself: what was hashed is what runs.
    public struct Content: Sendable {
        /// Absolute path inside.
        public var place: String
        public var bytes: [UInt8]
        public var isExecutable: Bool

        public init(place: String, bytes: [UInt8], isExecutable: Bool = false) {
            self.place = place
            self.bytes = bytes
            self.isExecutable = isExecutable
        }
    }

    /// How a program ended.
    public struct End: Sendable, Hashable {
        public enum Cause: Sendable, Hashable {
            case code(Int32)
            case signal(Int32)
            /// All its processes together used more memory than they may; in words.
            case memory(String)
            /// It wrote more, or more files, than it may; in words.
            case output(String)
            /// The system does not start this file: no program, or its interpreter is missing; in words.
            case notExecutable(String)
            /// There was no sandbox, or not all of it; the program never ran; in words.
            case noSandbox(String)
        }

        public var cause: Cause
        /// Of all its processes, and of the few milliseconds that making the enclosure took.
        public var cpuSeconds: Double
        /// The end of what it wrote to its standard error (of `start`: and to its standard output), at most 2000 bytes.
        public var lastWords: String
        /// What held it; empty when it never ran.
        public var layers: SandboxLayers

        /// For people: `exit code 3`, `signal 11 (Segmentation fault)`, or the words.
        public var reason: String {
            switch cause {
            case .code(let code): "exit code \(code)"
            case .signal(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
            case .memory(let words), .output(let words), .notExecutable(let words), .noSandbox(let words): words
            }
        }
    }

    static let advice = "Let this user make namespaces (docs/sandbox.md); the kernel must be Linux 5.13 or later."
    /// Where the enclosing process finds what it needs; see `EncloseCommand` of millrace-worker.
    public static let specificationDescriptor: Int32 = 3
    public static let reportDescriptor: Int32 = 4
    private static let contentsFrom: Int32 = 5
    private static let reportBytesMax = 64 * 1024

    let child: ChildProcess
    /// The writing end of the child's standard input; nothing is ever written, its end is the message.
    private let lifeline: Int32
    /// The reading end of what the child reports.
    private let report: Int32
    private let ended = Mutex<End?>(nil)

    private init(child: ChildProcess, lifeline: Int32, report: Int32) {
        self.child = child
        self.lifeline = lifeline
        self.report = report
    }

    /// Starts a program whose output goes into a file, of which the first 64 KiB are kept.
    ///
    /// - Parameters:
    ///   - enclosure: its `contents` are set here.
    ///   - worker: path of `millrace-worker`.
    ///   - log: path of the file; nil: nothing is kept but the last words.
    ///   - onExit: called once on the run's own thread when everything has ended and was collected.
    /// - Throws: `.noInput` without the worker, `.cannotWrite` or `.osError` from the system.
    public static func start(
        _ enclosure: Enclosure, contents: [Content], worker: String, log: String?,
        onExit: (@Sendable (End) -> Void)? = nil
    ) throws(Fault) -> EnclosedRun {
        var file: Int32 = -1
        if let log {
            file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard file >= 0 else { throw Files.fault("create", log) }
        }
        let output: Pipe
        let run: EnclosedRun
        do throws(Fault) {
            output = try Pipe()
            defer { close(output.writing) }
            do throws(Fault) {
                run = try launch(enclosure, contents, worker, output: output.writing, errors: output.writing)
            } catch {
                close(output.reading)
                throw error
            }
        } catch {
            if file >= 0 { close(file) }
            throw error
        }
        let (reading, logFile) = (output.reading, file)
        BlockingThread.start("program-\(run.pid)") {
            let words = OutputCollector(source: reading, log: logFile, logBytesMax: Limits.workerLogBytesMax)
            words.collect(untilEndOf: run.pid)
            let end = run.collect(lastWords: words.lastWords)
            close(reading)
            if logFile >= 0 { close(logFile) }
            onExit?(end)
        }
        return run
    }

    /// Starts one whose output and errors go into two descriptors. Who calls this waits for `child`, then `collect`s.
    static func launch(
        _ enclosure: Enclosure, _ contents: [Content], _ worker: String, output: Int32, errors: Int32
    ) throws(Fault) -> EnclosedRun {
        var enclosure = enclosure
        var files: [MemoryFile] = []
        for content in contents {
            let descriptor = contentsFrom + Int32(files.count)
            files.append(try MemoryFile(content.place, content.bytes))
            enclosure.contents.append(
                .init(place: content.place, isExecutable: content.isExecutable, descriptor: descriptor))
        }
        guard let json = try? JSONEncoder().encode(enclosure) else {
            throw Fault(.software, "the enclosure of \(enclosure.command.first ?? "a program") cannot be encoded")
        }
        let specification = try MemoryFile("enclosure", [UInt8](json))
        let input = try Pipe()
        defer { close(input.reading) }
        let report: Pipe
        do throws(Fault) { report = try Pipe() } catch {
            close(input.writing)
            throw error
        }
        defer { close(report.writing) }
        do throws(Fault) {
            let child = try ChildProcess.start(
                ChildProcess.Launch(
                    executable: worker, arguments: ["enclose"], folder: "/", input: input.reading, output: output,
                    errors: errors,
                    more: [specification.descriptor, report.writing] + files.map(\.descriptor)))
            return EnclosedRun(child: child, lifeline: input.writing, report: report.reading)
        } catch {
            close(input.writing)
            close(report.reading)
            throw error
        }
    }

    /// The enclosing process, which is also the number of the group of all of them.
    public var pid: pid_t { child.pid }

    /// Stops everything where it stands; it keeps its memory and uses no CPU.
    public func suspend() { child.signal(SIGSTOP) }

    /// Lets it go on.
    public func resume() { child.signal(SIGCONT) }

    /// Sends SIGTERM to all its processes, stopped or not. It may take its time to save; `kill` it when that is over.
    public func terminate() {
        child.signal(SIGTERM)
        child.signal(SIGCONT)
    }

    /// Ends everything at once.
    public func kill() { child.signal(SIGKILL) }

    /// How it ended, or nil while it runs.
    public func poll() -> End? { ended.withLock { $0 } }

    /// Blocks until it has ended.
    @discardableResult
    public func wait() -> End {
        child.reap()
        while true {
            if let end = poll() { return end }
            usleep(2000)
        }
    }

    /// CPU seconds of all its processes that live, and of those that they waited for; nil when it is gone.
    public func cpuSeconds() -> Double? {
        ProcessTimes.cpuSeconds(ofGroup: pid)
    }

    /// Collects the child, which has ended or ends now, and reads what it told.
    func collect(lastWords: String) -> End {
        let exit = child.reap()
        let end = Self.end(exit, reportsAt: report, lastWords: lastWords)
        close(lifeline)
        close(report)
        ended.withLock { $0 = end }
        return end
    }

    /// How a program ended whose enclosing process has ended.
    ///
    /// - Parameter reportsAt: the reading end of what that process told; nobody writes any more.
    package static func end(_ exit: ChildExit, reportsAt report: Int32, lastWords: String) -> End {
        var bytes = [UInt8](repeating: 0, count: reportBytesMax)
        _ = fcntl(report, F_SETFL, O_NONBLOCK)
        let count = read(report, &bytes, bytes.count)
        let reports = bytes.prefix(max(0, count)).split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONDecoder().decode(Enclosure.Report.self, from: Data($0))
        }
        return end(exit, reports, lastWords)
    }

    private static func end(_ exit: ChildExit, _ reports: [Enclosure.Report], _ lastWords: String) -> End {
        let last = reports.last { $0.ending != nil }
        let layers = reports.last?.layers ?? SandboxLayers()
        let cause: End.Cause
        switch last?.ending {
        case .exited: cause = last?.signal.map { .signal($0) } ?? .code(last?.code ?? 0)
        case .memory: cause = .memory(last?.words ?? "")
        case .output: cause = .output(last?.words ?? "")
        case .notExecutable: cause = .notExecutable(last?.words ?? "")
        case .notStarted: cause = .noSandbox(last?.words ?? "")
        case nil:
            // Killed from outside, as `kill` does; or the worker is none.
            if let signal = exit.signal {
                cause = .signal(signal)
            } else {
                cause = .noSandbox(lastWords.isEmpty ? exit.reason : lastWords)
            }
        }
        return End(cause: cause, cpuSeconds: exit.cpuSeconds, lastWords: lastWords, layers: layers)
    }
}
