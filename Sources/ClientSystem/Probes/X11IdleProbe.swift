import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Reads the user's idle time from a child (`millrace-client probe-x11`) and keeps it alive.
///
/// Nothing here can block the client: readings arrive on the child's thread.
public final class X11IdleProbe: Sendable {
    private struct State {
        var child: LineChild?
        var nextStart = 0.0
        var stopped = false
    }

    private let executable: String
    private let arguments: [String]
    private let report: @Sendable (ProbeReading) -> Void
    private let state = Mutex(State())
    /// A display may appear later: somebody logs in.
    static let retryUnavailableSeconds = 60.0
    static let retryCrashSeconds = 2.0

    /// - Parameter report: called on the child's thread for every reading.
    public init(executable: String, arguments: [String], report: @escaping @Sendable (ProbeReading) -> Void) {
        self.executable = executable
        self.arguments = arguments
        self.report = report
    }

    /// Starts the child when there is none and it is time; call it now and then.
    public func tend() {
        state.withLock { state in
            let now = millrace_monotonic_seconds()
            guard state.child == nil, !state.stopped, now >= state.nextStart else { return }
            // Pushed further out when the child says why it cannot read.
            state.nextStart = now + Self.retryCrashSeconds
            do throws(Fault) {
                state.child = try LineChild.start(
                    executable: executable, arguments: arguments,
                    variables: ["DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY"],
                    onLine: { [weak self] in self?.take($0) }, onEnd: { [weak self] _ in self?.ended() })
            } catch {
                state.nextStart = now + Self.retryUnavailableSeconds
                report(reading(.unavailable(error.message)))
            }
        }
    }

    public func stop() {
        state.withLock {
            $0.stopped = true
            $0.child?.stop()
            $0.child = nil
        }
    }

    /// The child's process number; nil while there is none.
    public var pid: pid_t? { state.withLock { $0.child?.pid } }

    private func take(_ line: String) {
        if line.hasPrefix("idle "), let milliseconds = Int64(line.dropFirst(5)), milliseconds >= 0 {
            report(reading(.idle(milliseconds: milliseconds)))
        } else if line.hasPrefix("unavailable ") {
            state.withLock { $0.nextStart = millrace_monotonic_seconds() + Self.retryUnavailableSeconds }
            report(reading(.unavailable(String(line.dropFirst(12).prefix(200)))))
        }
    }

    private func ended() {
        state.withLock { $0.child = nil }
    }

    private func reading(_ value: ProbeReading.Value) -> ProbeReading {
        ProbeReading(
            kind: .userInput, value: value, at: Timestamp(milliseconds: millrace_wall_milliseconds()))
    }
}
