import Glibc
import Logging
import Synchronization
import WorkerHost

/// The end of a server, in order: not ready, then nothing new, then what is in flight, then the last writes.
///
/// At the first signal `/readyz` says no and replies ask for the connection to be closed; `drain-seconds` later the
/// listening socket is closed; requests that run get `grace-seconds`. At the second signal, or when all that has taken
/// too long, the process ends at once: everything that was acknowledged is durable, and the next start goes on.
final class Drain: Sendable {
    /// After `drain-seconds` and `grace-seconds`: for the last transactions and the public log.
    static let lastWritesSeconds = 25
    /// As after an interruption: the end was not in order.
    static let hurriedExit: Int32 = 75

    private let signals = Atomic(0)
    private let log: Logger
    private let limits: ServerLimits

    init(limits: ServerLimits, log: Logger) {
        self.limits = limits
        self.log = log
    }

    /// - Parameters:
    ///   - notReady: called at once, at the first signal.
    ///   - stop: called `drain-seconds` later; must not block.
    func signalled(_ number: Int32, notReady: () -> Void, stop: @escaping @Sendable () -> Void) {
        guard signals.add(1, ordering: .relaxed).newValue == 1 else {
            log.warning("a second signal: ending at once", metadata: ["signal": "\(number)"])
            _exit(Drain.hurriedExit)
        }
        log.notice("ending", metadata: ["signal": "\(number)"])
        notReady()
        let limits = limits
        let log = log
        BlockingThread.start("millrace-drain") {
            if limits.drainSeconds > 0 { sleep(UInt32(clamping: limits.drainSeconds)) }
            stop()
            sleep(UInt32(clamping: limits.graceSeconds + Drain.lastWritesSeconds))
            log.error("the end took too long: ending at once")
            _exit(Drain.hurriedExit)
        }
    }
}
