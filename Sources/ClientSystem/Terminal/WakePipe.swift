import CPosix
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Wakes a thread that waits in `poll`.
final class WakePipe: Sendable {
    enum News: UInt8, Sendable { case answer, resized, ended }

    let readable: Int32
    private let writable: Int32

    init() throws(Fault) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
            throw Fault(.osError, "no pipe: \(String(cString: strerror(errno)))")
        }
        (readable, writable) = (ends[0], ends[1])
    }

    deinit {
        close(readable)
        close(writable)
    }

    /// Safe from any thread. A full pipe wakes as well.
    func post(_ news: News) {
        var byte = news.rawValue
        _ = write(writable, &byte, 1)
    }

    func take() -> [News] {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(readable, &buffer, buffer.count)
        return count > 0 ? buffer[..<count].compactMap(News.init) : []
    }
}

/// The signals of a program that has a terminal: another size, and the end.
final class TerminalSignals: Sendable {
    private let wake = Mutex<WakePipe?>(nil)

    /// Blocks them for all threads that come later, and waits for them on its own thread. Call it before any other
    /// thread exists.
    static func watch() -> TerminalSignals {
        let signals = TerminalSignals()
        signal(SIGPIPE, SIG_IGN)
        var watched = sigset_t()
        sigemptyset(&watched)
        for number in [SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT] { sigaddset(&watched, number) }
        pthread_sigmask(SIG_BLOCK, &watched, nil)
        let set = watched
        BlockingThread.start("signals") {
            var set = set
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { return }
                let isSize = number == SIGWINCH || number == SIGCONT
                signals.wake.withLock { $0 }?.post(isSize ? .resized : .ended)
            }
        }
        return signals
    }

    func attach(_ pipe: WakePipe) { wake.withLock { $0 = pipe } }
}
