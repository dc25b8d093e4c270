import CPosix
import Foundation
import Synchronization

/// A child of the tests. Not Foundation's `Process`: that one reads beyond its buffer when the tests, all in one
/// process, have many files open, and takes them all with it.
public final class TestChild: Sendable {
    public struct Failed: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) { self.description = description }
    }

    private struct State {
        var pid: pid_t = 0
        /// As `waitpid` gave it; nil: it runs.
        var ended: Int32?
        /// Our ends of its pipes, or -1.
        var input: Int32 = -1
        var output: Int32 = -1
    }

    private let state = Mutex(State())

    public init() {}

    deinit {
        state.withLock { state in
            for file in [state.input, state.output] where file >= 0 { close(file) }
        }
    }

    /// Starts it with output and errors at the end of two files, or of one, and no input. Called once.
    public func run(
        _ path: String, _ arguments: [String], environment: [String: String]? = nil, outputPath: String,
        errorPath: String
    ) throws {
        let pid = try Self.spawn(path, arguments, environment) { actions in
            let flags = O_WRONLY | O_CREAT | O_APPEND
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o644)
            posix_spawn_file_actions_addopen(&actions, 2, errorPath, flags, 0o644)
        }
        state.withLock { $0.pid = pid }
    }

    /// Starts one that serves until its input ends, which it does with this process at the latest, however that ends,
    /// and waits for the first line that it says; its errors are those of the tests. Called once.
    /// - Returns: the line without its end; of one that ended before, all that it said.
    public func serve(_ path: String, _ arguments: [String]) throws -> String {
        var (input, output): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe2(&input, O_CLOEXEC) == 0, pipe2(&output, O_CLOEXEC) == 0 else {
            throw Failed(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        state.withLock { ($0.input, $0.output) = (input[1], output[0]) }
        let started = Result {
            try Self.spawn(path, arguments, nil) { actions in
                posix_spawn_file_actions_adddup2(&actions, input[0], 0)
                posix_spawn_file_actions_adddup2(&actions, output[1], 1)
            }
        }
        close(input[0])
        close(output[1])
        let pid = try started.get()
        state.withLock { $0.pid = pid }
        return Self.read(output[0], toLineEnd: true)
    }

    /// What one that serves says until it ends.
    public func restOfOutput() -> String { Self.read(state.withLock(\.output), toLineEnd: false) }

    /// Ends the input of one that serves, and waits until it has ended.
    public func endInput() {
        state.withLock { state in
            if state.input >= 0 { close(state.input) }
            state.input = -1
        }
        waitUntilExit()
    }

    private static func read(_ file: Int32, toLineEnd: Bool) -> String {
        var said: [UInt8] = []
        var byte: UInt8 = 0
        while Foundation.read(file, &byte, 1) == 1 {
            if toLineEnd && byte == UInt8(ascii: "\n") { break }
            said.append(byte)
        }
        return String(decoding: said, as: UTF8.self)
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String]?,
        _ files: (inout posix_spawn_file_actions_t) -> Void
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        files(&actions)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let names = environment ?? ProcessInfo.processInfo.environment
        let envp = names.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        // Threads of the tests' pool block every signal, and a child would inherit that: none could end it politely.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
        guard code == 0 else { throw Failed(description: "\(path): \(String(cString: strerror(code)))") }
        return pid
    }

    public var processIdentifier: pid_t { state.withLock { $0.pid } }

    public var isRunning: Bool {
        state.withLock { state in
            guard state.ended == nil, state.pid > 0 else { return false }
            var status: Int32 = 0
            if waitpid(state.pid, &status, WNOHANG) == state.pid { state.ended = status }
            return state.ended == nil
        }
    }

    public func waitUntilExit() { while isRunning { usleep(5000) } }

    /// SIGTERM.
    public func terminate() { if isRunning { kill(processIdentifier, SIGTERM) } }

    /// The exit code; 128 and the signal's number for one that a signal ended.
    public var terminationStatus: Int32 {
        waitUntilExit()
        let status = state.withLock { $0.ended ?? 0 }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    }
}
