import CPosix
import Domain
import Glibc
import Synchronization

/// A child of our own kind that says something line by line, for as long as its standard input is open.
public final class LineChild: Sendable {
    private let child: ChildProcess
    /// Our end of its standard input; -1 when it has ended.
    private let lifeline: Mutex<Int32>
    private static let lineBytesMax = 4096

    private init(child: ChildProcess, lifeline: Int32) {
        self.child = child
        self.lifeline = Mutex(lifeline)
    }

    /// Starts the child; its lines come on a thread of its own.
    ///
    /// - Parameter variables: names of environment variables that it gets beside the usual ones.
    /// - Parameter onEnd: called once, after the last line.
    /// - Throws: `.noInput`, `.osError`.
    public static func start(
        executable: String, arguments: [String], variables: [String],
        onLine: @escaping @Sendable (String) -> Void, onEnd: @escaping @Sendable (ChildExit) -> Void
    ) throws(Fault) -> LineChild {
        // A socket, because writing to one whose other end is gone can be told to raise no signal.
        var input: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &input) == 0 else {
            throw Fault(.osError, "cannot make a pair of sockets: \(String(cString: strerror(errno)))")
        }
        let output: Pipe
        do throws(Fault) { output = try Pipe() } catch {
            close(input[0])
            close(input[1])
            throw error
        }
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            close(input[0])
            close(output.writing)
            if nowhere >= 0 { close(nowhere) }
        }
        let started: LineChild
        do throws(Fault) {
            let child = try ChildProcess.start(
                ChildProcess.Launch(
                    executable: executable, arguments: arguments, folder: nil, input: input[0],
                    output: output.writing, errors: nowhere >= 0 ? nowhere : output.writing, variables: variables))
            started = LineChild(child: child, lifeline: input[1])
        } catch {
            close(input[1])
            close(output.reading)
            throw error
        }
        let reading = output.reading
        BlockingThread.start("lines-\(started.child.pid)") {
            read(reading, onLine)
            close(reading)
            started.child.signal(SIGKILL)
            let exit = started.child.reap()
            started.lifeline.withLock {
                close($0)
                $0 = -1
            }
            onEnd(exit)
        }
        return started
    }

    public var pid: pid_t { child.pid }

    /// Says a line to it; one that has ended, or does not listen, does not get it.
    public func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // One that does not read must not hold us up.
        lifeline.withLock { if $0 >= 0 { _ = send($0, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) } }
    }

    /// Ends it; `onEnd` follows.
    public func stop() { child.signal(SIGKILL) }

    private static func read(_ source: Int32, _ onLine: (String) -> Void) {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            let count = Glibc.read(source, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            for byte in buffer[..<count] {
                if byte == UInt8(ascii: "\n") {
                    onLine(String(decoding: line, as: UTF8.self))
                    line = []
                } else if line.count < lineBytesMax {
                    line.append(byte)
                }
            }
        }
    }
}
