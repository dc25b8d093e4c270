import CPosix
import Glibc
import WorkerHost

/// Turns SIGTERM, SIGINT, SIGHUP, and SIGUSR1 into a call. The last is how Slurm announces the end of a job.
public enum StopSignals {
    /// Blocks the signals for all threads that come later, and waits for them on its own thread. Call it before any
    /// other thread exists.
    ///
    /// - Parameter first: called at the first signal. At the second the program ends at once; its workers notice that
    ///   their parent is gone and save themselves.
    public static func watch(_ first: @escaping @Sendable () -> Void) {
        signal(SIGPIPE, SIG_IGN)
        var blocked = watched
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        BlockingThread.start("signals") {
            var number: Int32 = 0
            var set = watched
            guard sigwait(&set, &number) == 0 else { return }
            first()
            guard sigwait(&set, &number) == 0 else { return }
            _exit(75)
        }
    }

    private static var watched: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { sigaddset(&set, number) }
        return set
    }
}
