import CPosix
import Glibc

/// Reads what a child writes: the first bytes go into a log, the last ones are kept for a message, the rest is dropped,
/// so that a child that writes without end fills neither disk nor memory.
package final class OutputCollector {
    package let source: Int32
    private let log: Int32
    private var logBytesLeft: Int
    private var tail: [UInt8] = []
    private static let tailBytesMax = 2000

    /// - Parameter log: descriptor of a file, or -1 for none.
    package init(source: Int32, log: Int32, logBytesMax: Int) {
        self.source = source
        self.log = log
        logBytesLeft = logBytesMax
        _ = fcntl(source, F_SETFL, O_NONBLOCK)
    }

    /// The end of the output as text, without the last line break.
    package var lastWords: String {
        var text = String(decoding: tail, as: UTF8.self)
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }

    /// Blocks until the process has ended, whoever else still holds its output.
    func collect(untilEndOf pid: pid_t) {
        let handle = millrace_pidfd_open(pid)
        defer { if handle >= 0 { close(handle) } }
        var ends = [
            pollfd(fd: source, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let count = poll(&ends, 2, -1)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            if ends[0].revents != 0, !drain() {
                // Without a handle on the process, the end of its output is the best sign of its own.
                guard handle >= 0 else { break }
                ends[0].fd = -1
            }
            if ends[1].revents != 0 { break }
        }
        drain()
    }

    /// Takes what is there now. - Returns: false at the end of the output.
    @discardableResult
    package func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // More than a pipe holds; who writes without end is not read without end.
        for _ in 0..<512 {
            let count = read(source, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            keep(buffer[..<count])
        }
        return true
    }

    private func keep(_ bytes: ArraySlice<UInt8>) {
        if log >= 0, logBytesLeft > 0 {
            let part = Array(bytes.prefix(logBytesLeft))
            logBytesLeft -= max(0, write(log, part, part.count))
        }
        tail += bytes
        if tail.count > Self.tailBytesMax { tail.removeFirst(tail.count - Self.tailBytesMax) }
    }
}
