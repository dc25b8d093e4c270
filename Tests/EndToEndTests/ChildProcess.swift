import Glibc
import Synchronization

/// A child of the tests. Not Foundation's `Process`: that one reads beyond its buffer when the tests, all in one
/// process, have many files open, and takes them all with it.
final class ChildProcess: Sendable {
    struct Failed: Error { var what: String }

    private struct State {
        var pid: pid_t = 0
        /// As `waitpid` gave it; nil: it runs.
        var ended: Int32?
    }

    private let state = Mutex(State())

    /// Starts it with output and errors at the end of two files, or of one, and no input. Called once.
    func run(
        _ path: String, _ arguments: [String], environment: [String: String], outputPath: String, errorPath: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, flags, 0o644)
        // What is not open is passed over (glibc, sysdeps/unix/sysv/linux/spawni.c).
        for file in Int32(3)..<4096 { posix_spawn_file_actions_addclose(&actions, file) }
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, nil, argv, envp)
        guard code == 0 else { throw Failed(what: "\(path): \(String(cString: strerror(code)))") }
        state.withLock { $0.pid = pid }
    }

    var processIdentifier: pid_t { state.withLock { $0.pid } }

    var isRunning: Bool {
        state.withLock { state in
            guard state.ended == nil, state.pid > 0 else { return false }
            var status: Int32 = 0
            if waitpid(state.pid, &status, WNOHANG) == state.pid { state.ended = status }
            return state.ended == nil
        }
    }

    func waitUntilExit() { while isRunning { usleep(5000) } }

    /// SIGTERM.
    func terminate() { if isRunning { kill(processIdentifier, SIGTERM) } }

    /// The exit code; 128 and the signal's number for one that a signal ended.
    var terminationStatus: Int32 {
        waitUntilExit()
        let status = state.withLock { $0.ended ?? 0 }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    }
}
