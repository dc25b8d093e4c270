import Glibc
import WorkerHost

/// Turns signals into calls on a thread of their own.
///
/// A handler may do next to nothing, so it writes the signal's number into a pipe, which a thread reads. No signal is
/// blocked: children would inherit that.
enum SignalPipe {
    // Written once before the first handler is there, then only read. A plain number, so that a handler that reads it
    // runs no initialiser.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1

    /// - Parameter handle: called with each signal's number, one after the other; must not block for long.
    /// - Returns: false when the system has no pipe left; then signals do what they do by default.
    @discardableResult
    static func watch(_ signals: [Int32], _ handle: @escaping @Sendable (Int32) -> Void) -> Bool {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A handler must never wait; what does not fit would be the thousandth signal.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let readEnd = ends[0]
        writeEnd = ends[1]
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(SignalPipe.writeEnd, &byte, 1)
                errno = before
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
        BlockingThread.start("millrace-signal") {
            var byte: UInt8 = 0
            while true {
                let count = read(readEnd, &byte, 1)
                if count < 0 && errno == EINTR { continue }
                guard count == 1 else { return }
                handle(Int32(byte))
            }
        }
        return true
    }
}
