import CPosix
import Domain
import Glibc

/// A pipe of which a child gets the writing end; of what it writes so much is kept.
final class ReadingEnd {
    private(set) var reading: Int32
    private(set) var writing: Int32
    private(set) var bytes: [UInt8] = []
    private let bytesMax: Int
    /// Whether the last bytes are kept and not the first.
    private let keepsEnd: Bool

    init(bytesMax: Int, keepsEnd: Bool) throws(Fault) {
        let pipe = try Pipe()
        reading = pipe.reading
        writing = pipe.writing
        self.bytesMax = bytesMax
        self.keepsEnd = keepsEnd
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(reading)
        closeWriting()
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    /// Takes what is there now. - Returns: false at the end of the pipe.
    func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A child that writes without end is not read without end: its time runs.
        for _ in 0..<256 {
            let count = read(reading, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            if keepsEnd {
                bytes = Array((bytes + buffer[..<count]).suffix(bytesMax))
            } else {
                bytes += buffer[..<min(count, bytesMax - bytes.count)]
            }
        }
        return true
    }
}

/// Reads pipes of a child until it ends, its time is over, or nobody waits for it.
enum BoundedWait {
    /// Why a child must be ended.
    enum Cut: Hashable {
        case late
        /// Who asked has gone.
        case unwanted
    }

    /// - Parameter deadline: on the monotonic clock, seconds.
    /// - Returns: why the child must be ended; nil: it has ended.
    static func wait(
        for pid: pid_t, until deadline: Double, _ pipes: [ReadingEnd], whoAsks: Int32?
    ) -> Cut? {
        let handle = millrace_pidfd_open(pid)
        defer { if handle >= 0 { close(handle) } }
        var ends = pipes.map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
        ends.append(pollfd(fd: handle, events: Int16(POLLIN), revents: 0))
        // Without an event asked for, only the end of the connection is told.
        ends.append(pollfd(fd: whoAsks ?? -1, events: 0, revents: 0))
        while true {
            let left = deadline - millrace_monotonic_seconds()
            guard left > 0 else { return .late }
            let count = poll(&ends, nfds_t(ends.count), Int32(min(left * 1000 + 1, 3_600_000)))
            if count <= 0 { continue }
            for (at, pipe) in pipes.enumerated() where ends[at].revents != 0 && !pipe.drain() { ends[at].fd = -1 }
            if ends[pipes.count + 1].revents != 0 { return .unwanted }
            // Without a handle on the process, the end of its output is the best sign of its own.
            let isOver =
                handle >= 0 ? ends[pipes.count].revents != 0 : ends.prefix(pipes.count).allSatisfy { $0.fd < 0 }
            guard isOver else { continue }
            for pipe in pipes { _ = pipe.drain() }
            return nil
        }
    }
}
