import CPosix
import Domain
import Glibc

/// The living child of a servant and the socket to it. Used under the servant's lock only.
final class ServantChild: Sendable {
    private let child: ChildProcess
    private let socket: Int32
    /// The child's standard error; it is read while a job runs, and the pipe holds the little that comes in between.
    private let errors: Int32

    var pid: pid_t { child.pid }

    /// - Throws: `.noInput`, `.osError`.
    init(executable: String) throws(Fault) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Fault(.osError, "cannot make a socket pair: \(String(cString: strerror(errno)))")
        }
        let pipe: Pipe
        do throws(Fault) { pipe = try Pipe() } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        defer {
            close(ends[1])
            close(pipe.writing)
        }
        do throws(Fault) {
            child = try ChildProcess.start(
                ChildProcess.Launch(
                    executable: executable, arguments: ["serve"], folder: nil, input: ends[1], output: ends[1],
                    errors: pipe.writing))
        } catch {
            close(ends[0])
            close(pipe.reading)
            throw error
        }
        socket = ends[0]
        errors = pipe.reading
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    /// Kills and collects the child and closes what belongs to it.
    func end() {
        child.signal(SIGKILL)
        child.reap()
        close(socket)
        close(errors)
    }

    /// Sends a frame and receives one.
    ///
    /// - Parameter deadline: on the monotonic clock, seconds.
    func exchange(_ request: [UInt8], deadline: Double) throws(Fault) -> [UInt8] {
        let words = OutputCollector(source: errors, log: -1, logBytesMax: 0)
        var sending = ArraySlice(littleEndian(UInt32(request.count)) + request)
        var received: [UInt8] = []
        var expected: Int?
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let writes = sending.isEmpty ? 0 : Int16(POLLOUT)
            var ends = [
                pollfd(fd: socket, events: Int16(POLLIN) | writes, revents: 0),
                pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
            ]
            let left = deadline - millrace_monotonic_seconds()
            guard left > 0 else { throw Fault(.interrupted, Self.late) }
            let count = poll(&ends, 2, Int32(min(left * 1000 + 1, 3_600_000)))
            if count <= 0 { continue }
            if ends[1].revents != 0 { words.drain() }
            if ends[0].revents & Int16(POLLOUT) != 0 { send(&sending) }
            guard ends[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
            let got = read(socket, &buffer, buffer.count)
            if got < 0 && (errno == EAGAIN || errno == EINTR) { continue }
            guard got > 0 else { throw ended(words) }
            received += buffer[..<got]
            if expected == nil, received.count >= 4 {
                expected = Int(received[0]) | Int(received[1]) << 8 | Int(received[2]) << 16 | Int(received[3]) << 24
                guard expected! <= Limits.workerReplyBytesMax else {
                    throw Fault(.software, "millrace-worker announced a reply of \(expected!) bytes")
                }
            }
            if let expected, received.count >= expected + 4 {
                guard received.count == expected + 4 else {
                    throw Fault(.software, "millrace-worker wrote more than its reply")
                }
                return Array(received[4...])
            }
        }
    }

    private static let late = "millrace-worker did not answer in time and was stopped"

    private func send(_ bytes: inout ArraySlice<UInt8>) {
        // MSG_NOSIGNAL: a child that died must not take this process with it.
        let count = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count > 0 { bytes.removeFirst(count) }
    }

    private func ended(_ words: OutputCollector) -> Fault {
        let exit = child.reap()
        words.drain()
        let said = words.lastWords
        // Killed from outside: by a machine short of memory, or by a person. No program does that to itself.
        let kind: FaultKind = exit.signal == SIGKILL ? .interrupted : .software
        return Fault(kind, "millrace-worker ended with \(exit.reason)" + (said.isEmpty ? "" : ": \(said)"))
    }

    private func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
