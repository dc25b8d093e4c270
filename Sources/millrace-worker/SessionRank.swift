import Glibc

/// The rank of this process's session among all sessions. Where the kernel groups processes by sessions
/// (`kernel.sched_autogroup_enabled`, the default of most distributions), the lowest priority counts inside of one
/// only: without this, tasks would get as much of a core as a program in another window.
final class SessionRank {
    /// `/proc/self/autogroup`, which cannot be opened any more when this process is shut in; -1: there is nothing to
    /// do.
    private var file: Int32 = -1

    /// A session that others have begun is theirs: it is left as it is.
    init() {
        guard getsid(0) == getpid() else { return }
        file = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC)
    }

    deinit { if file >= 0 { close(file) } }

    /// Ranks it last, unless that is done. The kernel takes one such wish of all ordinary users in a tenth of a second;
    /// so this is to be called again and again.
    func lower() {
        guard file >= 0 else { return }
        let word = Array("19".utf8)
        if write(file, word, word.count) < 0, errno == EAGAIN { return }
        close(file)
        file = -1
    }
}
