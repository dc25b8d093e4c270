import CPosix
import Domain
import Glibc
import Synchronization

/// How a child ended.
public struct ChildExit: Hashable, Sendable {
    /// The exit code; nil when a signal ended it.
    public var code: Int32?
    /// The signal that ended it, or nil.
    public var signal: Int32?
    /// CPU seconds of the child and of the descendants it waited for, by the kernel's account.
    public var cpuSeconds: Double

    public init(code: Int32?, signal: Int32?, cpuSeconds: Double) {
        self.code = code
        self.signal = signal
        self.cpuSeconds = cpuSeconds
    }

    /// For people: `exit code 70`, `signal 11 (Segmentation fault)`.
    public var reason: String {
        if let signal { return "signal \(signal) (\(String(cString: strsignal(signal))))" }
        return "exit code \(code ?? 0)"
    }
}

/// A child process in a process group of its own, so that a signal reaches it and its descendants together.
///
/// It is collected exactly once, and never signalled after that: its number could belong to a stranger by then.
final class ChildProcess: Sendable {
    /// What to start and how.
    struct Launch {
        var executable: String
        var arguments: [String]
        var folder: String?
        /// Descriptors of this process that become 0, 1 and 2 of the child; everything else is closed there.
        var input: Int32
        var output: Int32
        var errors: Int32
        /// Descriptors of this process that become 3, 4, ... of the child.
        var more: [Int32] = []
        /// Variables that this child needs beyond those that every child gets.
        var variables: [String] = []
        /// Whether it begins a session: the kernel weighs sessions against each other, and priorities only inside of
        /// one (`kernel.sched_autogroup_enabled`).
        var isOwnSession = false
    }

    let pid: pid_t
    private let ended = Mutex<ChildExit?>(nil)

    private init(pid: pid_t) {
        self.pid = pid
    }

    /// What worker children get to see of the environment; tokens and the like stay out.
    private static func environment(with more: [String]) -> [String] {
        let names = ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH"] + more
        let passed: [String] = names.compactMap { (name: String) in
            getenv(name).map { "\(name)=" + String(cString: $0) }
        }
        // One thread per task: several tasks run at once, and threads would change the bits of a result.
        return passed + ["OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"]
    }

    /// A program that is being replaced is waited for this often and this long: a second in all.
    private static let busyTriesMax = 50
    private static let busyMicroseconds: useconds_t = 20_000

    /// - Throws: `.osError` when the system refuses, `.noInput` when there is no such program.
    static func start(_ launch: Launch) throws(Fault) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A descriptor among those that the child gets (this process was started without them) would be overwritten by
        // the one put there before it.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        let passed = [launch.input, launch.output, launch.errors] + launch.more
        for (to, from) in passed.enumerated() {
            let copy = fcntl(from, F_DUPFD_CLOEXEC, Int32(passed.count))
            guard copy >= 0 else {
                throw Fault(.osError, "cannot start \(launch.executable): \(String(cString: strerror(errno)))")
            }
            copies.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, Int32(to))
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, Int32(passed.count))
        if let folder = launch.folder { posix_spawn_file_actions_addchdir_np(&actions, folder) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        // The threads of this process block signals that the child must hear.
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        // Who begins a session begins a group as well. POSIX_SPAWN_SETSID is there for _GNU_SOURCE only.
        let ownGroup = launch.isOwnSession ? 0x80 : POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(
            &attributes, Int16(ownGroup | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = ([launch.executable] + launch.arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment(with: launch.variables).map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        var status: Int32
        var tries = 0
        repeat {
            status = posix_spawn(&pid, launch.executable, &actions, &attributes, &argv, &envp)
            tries += 1
            // A program that was written a moment ago may still be open for writing in a child that another thread is
            // starting: until that child has executed its own program, the system refuses to start this one.
        } while status == ETXTBSY && tries < busyTriesMax && usleep(busyMicroseconds) == 0
        guard status == 0 else {
            throw Fault(
                status == ENOENT || status == EACCES ? .noInput : .osError,
                "cannot start \(launch.executable): \(String(cString: strerror(status)))")
        }
        return ChildProcess(pid: pid)
    }

    /// How it ended; nil while it runs or was not collected yet.
    var exit: ChildExit? { ended.withLock { $0 } }

    /// Sends a signal to the whole group, unless the child was collected.
    func signal(_ number: Int32) {
        ended.withLock { if $0 == nil { _ = kill(-pid, number) } }
    }

    /// Blocks until the child has ended, ends what it left of its group, and collects it. Safe to call from several
    /// threads; each gets the same answer.
    @discardableResult
    func reap() -> ChildExit {
        if let exit { return exit }
        _ = millrace_wait_without_reaping(pid)
        return ended.withLock { ended in
            if let ended { return ended }
            // Still a zombie, so the group's number is still its own: descendants end with their leader.
            _ = kill(-pid, SIGKILL)
            var status: Int32 = 0
            var seconds = 0.0
            let found = millrace_reap(pid, &status, &seconds) == 0
            let signal = found ? millrace_wait_signal(status) : 0
            let exit = ChildExit(
                code: signal == 0 ? (found ? millrace_wait_code(status) : -1) : nil,
                signal: signal == 0 ? nil : signal, cpuSeconds: seconds)
            ended = exit
            return exit
        }
    }
}

/// A pair of descriptors that children do not inherit.
package struct Pipe {
    package var reading: Int32
    package var writing: Int32

    package init() throws(Fault) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            throw Fault(.osError, "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        reading = ends[0]
        writing = ends[1]
    }
}
