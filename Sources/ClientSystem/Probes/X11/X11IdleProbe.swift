import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Reads the user's idle time, and whether a window fills the screen, from a child (`millrace-client probe-x11`) and
/// keeps it alive.
///
/// Nothing here can block the client: readings arrive on the child's thread, and a child that falls silent is ended.
public final class X11IdleProbe: Sendable {
    private struct State {
        var child: LineChild?
        var nextStart = 0.0
        var lastHeard = 0.0
        var isComputing = false
        var stopped = false
        /// Said until the child says something else.
        var isSilenceTold = false
    }

    private let executable: String
    private let arguments: [String]
    private let report: @Sendable (ProbeReading) -> Void
    private let state = Mutex(State())
    /// A display may appear later: somebody logs in.
    private let retryUnavailableSeconds: Double
    static let retryCrashSeconds = 2.0
    /// How much later than expected a child may be heard.
    private let patienceSeconds: Double
    static let period = ProbeKind.userInput.period

    /// - Parameter patienceSeconds: a child that is silent for so much longer than its period does not answer.
    /// - Parameter retrySeconds: until a child that could not read, or did not answer, is followed by another.
    /// - Parameter report: called on the child's thread for every reading.
    public init(
        executable: String, arguments: [String], patienceSeconds: Double = 5, retrySeconds: Double = 60,
        report: @escaping @Sendable (ProbeReading) -> Void
    ) {
        self.executable = executable
        self.arguments = arguments
        self.patienceSeconds = patienceSeconds
        retryUnavailableSeconds = retrySeconds
        self.report = report
    }

    /// Starts the child when there is none and it is time, ends one that has fallen silent, and tells it how closely to
    /// look; call it now and then.
    public func tend(isComputing: Bool = false) {
        state.withLock { state in
            let now = millrace_monotonic_seconds()
            if state.isComputing != isComputing {
                state.isComputing = isComputing
                state.lastHeard = now
                state.child?.say(isComputing ? "computing" : "paused")
            }
            if let child = state.child { endSilent(child, now, &state) } else { start(now, &state) }
        }
    }

    private func start(_ now: Double, _ state: inout State) {
        guard !state.stopped, now >= state.nextStart else { return }
        // Pushed further out when the child says why it cannot read.
        state.nextStart = now + Self.retryCrashSeconds
        state.lastHeard = now
        do throws(Fault) {
            let child = try LineChild.start(
                executable: executable, arguments: arguments,
                variables: ["DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY"],
                onLine: { [weak self] in self?.take($0) }, onEnd: { [weak self] _ in self?.ended() })
            if state.isComputing { child.say("computing") }
            state.child = child
        } catch {
            state.nextStart = now + retryUnavailableSeconds
            tell(.unavailable(error.message))
        }
    }

    private func endSilent(_ child: LineChild, _ now: Double, _ state: inout State) {
        let silence = now - state.lastHeard
        guard silence > Self.period.seconds(isComputing: state.isComputing) + patienceSeconds else { return }
        state.nextStart = now + retryUnavailableSeconds
        state.lastHeard = now
        child.stop()
        guard !state.isSilenceTold else { return }
        state.isSilenceTold = true
        tell(.unavailable("the X server did not answer for \(Int(silence)) s"))
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
        state.withLock {
            $0.lastHeard = millrace_monotonic_seconds()
            $0.isSilenceTold = false
        }
        if let text = rest(of: line, after: "idle "), let milliseconds = Int64(text), milliseconds >= 0 {
            report(reading(.userInput, .idle(milliseconds: milliseconds)))
        } else if line == "window none" {
            report(reading(.fullScreen, .fullScreen(nil)))
        } else if let name = rest(of: line, after: "window full ") {
            report(reading(.fullScreen, .fullScreen(name)))
        } else if let why = rest(of: line, after: "window unavailable ") {
            report(reading(.fullScreen, .unavailable(why)))
        } else if let why = rest(of: line, after: "unavailable ") {
            state.withLock { $0.nextStart = millrace_monotonic_seconds() + retryUnavailableSeconds }
            tell(.unavailable(why))
        }
    }

    private func rest(of line: String, after start: String) -> String? {
        line.hasPrefix(start) ? String(line.dropFirst(start.count).prefix(200)) : nil
    }

    private func ended() {
        state.withLock { $0.child = nil }
    }

    /// Of both that the child looks at.
    private func tell(_ value: ProbeReading.Value) {
        report(reading(.userInput, value))
        report(reading(.fullScreen, value))
    }

    private func reading(_ kind: ProbeKind, _ value: ProbeReading.Value) -> ProbeReading {
        ProbeReading(kind: kind, value: value, at: Timestamp(milliseconds: millrace_wall_milliseconds()))
    }
}
