import CPosix
import Domain
import Glibc

/// A program of the user's that answers a question: it gets no input and a time limit, and its output is bounded.
public enum ShortCommand {
    public struct Outcome: Hashable, Sendable {
        /// nil: it had to be ended when its time was over.
        public var exit: ChildExit?
        /// The beginning of what it wrote.
        public var output: String
    }

    private static let outputBytesMax = 4096
    private static let blindSeconds = 0.05

    /// Runs it and waits for its end.
    ///
    /// What it started and left behind is ended with it. Blocks a little beyond the limit at most, unless the kernel
    /// does not let the program end.
    /// - Parameter command: the program's path and its arguments; no shell is involved.
    /// - Throws: `.noInput` when there is no such program, `.osError`.
    public static func run(_ command: [String], timeLimitSeconds: Double) throws(Fault) -> Outcome {
        guard let program = command.first else { throw Fault(.software, "a command without a program") }
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard nothing >= 0 else { throw Files.fault("open", "/dev/null") }
        defer { close(nothing) }
        let output = try Pipe()
        defer { close(output.reading) }
        let child = try start(program, Array(command.dropFirst()), nothing: nothing, output: output.writing)
        let (bytes, hasEnded) = follow(child, output.reading, seconds: timeLimitSeconds)
        if !hasEnded { child.signal(SIGKILL) }
        let exit = child.reap()
        return Outcome(exit: hasEnded ? exit : nil, output: String(decoding: bytes, as: UTF8.self))
    }

    private static func start(
        _ program: String, _ arguments: [String], nothing: Int32, output: Int32
    ) throws(Fault) -> ChildProcess {
        defer { close(output) }
        return try ChildProcess.start(
            ChildProcess.Launch(
                executable: program, arguments: arguments, folder: nil, input: nothing, output: output, errors: nothing)
        )
    }

    /// Reads until the program has ended, whoever else holds its output, or the time is over.
    private static func follow(_ child: ChildProcess, _ source: Int32, seconds: Double) -> ([UInt8], Bool) {
        _ = fcntl(source, F_SETFL, O_NONBLOCK)
        let handle = millrace_pidfd_open(child.pid)
        defer { if handle >= 0 { close(handle) } }
        let end = millrace_monotonic_seconds() + seconds
        var kept: [UInt8] = []
        var ends = [
            pollfd(fd: source, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let left = end - millrace_monotonic_seconds()
            guard left > 0 else { return (kept, false) }
            // A kernel without handles on processes is asked now and then.
            let patience = min(left, handle < 0 ? blindSeconds : 3600)
            let count = poll(&ends, 2, Int32(patience * 1000) + 1)
            if count < 0 && errno != EINTR { return (kept, false) }
            let hasEnded = millrace_has_ended(child.pid) != 0
            if !drain(source, &kept) { ends[0].fd = -1 }
            if hasEnded { return (kept, true) }
        }
    }

    /// Takes what is there now. - Returns: false at the end of the output.
    private static func drain(_ source: Int32, _ kept: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A program that writes without end must not keep us from its time limit.
        for _ in 0..<64 {
            let count = read(source, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            kept += buffer[..<min(count, outputBytesMax - kept.count)]
        }
        return true
    }
}
