import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Where X11 is looked at.
public struct X11Display: Hashable, Sendable {
    /// As the variable `DISPLAY` names it; nil: there is none. Who we are is in the file that `XAUTHORITY` names.
    public var name: String?
    /// XWayland sees only what goes to X11 windows, so its idle time would be too long.
    public var isWayland: Bool
    /// The socket of the account's own bus. When there is no such display, or no longer, the account's session is asked
    /// there for its display; nil: it is not.
    public var userBus: String?

    public init(name: String?, isWayland: Bool = false, userBus: String? = nil) {
        self.name = name
        self.isWayland = isWayland
        self.userBus = userBus
    }

    /// That of this process.
    public static var ofEnvironment: X11Display {
        let value = { (name: String) in getenv(name).map { String(cString: $0) } }
        return X11Display(
            name: value("DISPLAY"), isWayland: value("WAYLAND_DISPLAY") != nil,
            userBus: value("XDG_RUNTIME_DIR").map { "\($0)/bus" })
    }
}

/// Reads the user's idle time, and whether a window fills the screen, from an X server on a thread of its own.
///
/// Where the server has the SYNC extension, the thread sleeps until the server announces the user's return, and between
/// looks that show that the server answers. Else it looks often while tasks run.
///
/// Nothing here can block the client: a server that hangs holds up that thread alone, and it gets no second one.
/// Without a server there is no thread.
public final class X11IdleProbe: Sendable {
    private struct State {
        /// Wakes the thread; nil while there is none.
        var wake: WakePipe?
        var nextStart = 0.0
        /// Until the next start after the next end, in seconds.
        var pause: Double
        var lastHeard = 0.0
        var isComputing = false
        var isStopped = false
        /// Said until the server says something.
        var isSilenceTold = false
    }

    private let display: X11Display
    private let report: @Sendable (ProbeReading) -> Void
    private let state: Mutex<State>
    private let retrySeconds: ClosedRange<Double>
    private let answerSeconds: Double
    /// How much later than expected the server may be heard.
    private let patienceSeconds: Double
    static let period = ProbeKind.userInput.period

    /// - Parameter patienceSeconds: a server that is silent for so much longer than the period does not answer.
    /// - Parameter answerSeconds: a server that does not answer for so long is given up, and tried again as a new one.
    /// - Parameter retrySeconds: until a display that could not be read is tried again: the shortest after it was read,
    ///   then twice as long every time. A server that starts anew is read soon; one that is not there costs little,
    ///   and is tried all the same, since somebody may log in.
    /// - Parameter report: called for every reading, on the probe's thread or inside of `tend`.
    public init(
        display: X11Display, patienceSeconds: Double = 5, answerSeconds: Double = 60,
        retrySeconds: ClosedRange<Double> = 1...60,
        report: @escaping @Sendable (ProbeReading) -> Void
    ) {
        self.display = display
        self.patienceSeconds = patienceSeconds
        self.answerSeconds = answerSeconds
        self.retrySeconds = retrySeconds
        state = Mutex(State(pause: retrySeconds.lowerBound))
        self.report = report
    }

    /// Starts the thread when there is none and it is time, says when the server has fallen silent, and tells the
    /// thread how closely to look; call it now and then.
    public func tend(isComputing: Bool = false) {
        state.withLock { state in
            let now = millrace_monotonic_seconds()
            if state.isComputing != isComputing {
                state.isComputing = isComputing
                state.lastHeard = now
                state.wake?.post(.answer)
            }
            if state.wake == nil { start(now, &state) } else { tellSilence(now, &state) }
        }
    }

    private func start(_ now: Double, _ state: inout State) {
        guard !state.isStopped, now >= state.nextStart else { return }
        do throws(Fault) {
            let wake = try WakePipe()
            state.wake = wake
            state.lastHeard = now
            BlockingThread.start("x11") { [self] in work(wake) }
        } catch {
            state.nextStart = now + retrySeconds.upperBound
            tell(.unavailable(error.message))
        }
    }

    /// Inside of the lock, so that it does not come after what the thread hears a moment later.
    private func tellSilence(_ now: Double, _ state: inout State) {
        let silence = now - state.lastHeard
        guard silence > Self.period.seconds(isComputing: state.isComputing) + patienceSeconds else { return }
        guard !state.isStopped, !state.isSilenceTold else { return }
        state.isSilenceTold = true
        tell(.unavailable("the X server did not answer for \(Int(silence)) s"))
    }

    /// Ends the thread; at once, unless it is opening a display that hangs.
    public func stop() {
        state.withLock {
            $0.isStopped = true
            $0.wake?.post(.ended)
        }
    }

    /// Whether there is a thread.
    package var isRunning: Bool { state.withLock { $0.wake != nil } }

    /// Of both that are looked at.
    private func tell(_ value: ProbeReading.Value) {
        tell(.userInput, value)
        tell(.fullScreen, value)
    }

    private func tell(_ kind: ProbeKind, _ value: ProbeReading.Value) {
        report(ProbeReading(kind: kind, value: value, at: Timestamp(milliseconds: millrace_wall_milliseconds())))
    }

    // MARK: The thread

    private func work(_ wake: WakePipe) {
        // XCB writes to a server that has gone as to any other. Pending for this thread, the signal ends with it.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        let end = follow(wake)
        if hear() { tell(.unavailable(end.message)) }
        state.withLock {
            $0.nextStart = millrace_monotonic_seconds() + $0.pause
            $0.pause = min(2 * $0.pause, retrySeconds.upperBound)
            $0.wake = nil
        }
    }

    /// - Parameter isRead: whether it was an idle time.
    /// - Returns: whether anybody wants to know.
    private func hear(isRead: Bool = false) -> Bool {
        state.withLock {
            if isRead { $0.pause = retrySeconds.lowerBound }
            $0.lastHeard = millrace_monotonic_seconds()
            $0.isSilenceTold = false
            return !$0.isStopped
        }
    }

    /// Looks until it cannot, or is stopped.
    ///
    /// - Returns: why it ended.
    private func follow(_ wake: WakePipe) -> Fault {
        do throws(Fault) {
            let desk = try open(wake)
            var pace = X11Pace(isAlarmTrusted: desk.hasAlarm)
            pace.change(isComputing: state.withLock { $0.isComputing })
            while true {
                let asked = millrace_monotonic_seconds()
                let idle = try desk.idleMilliseconds()
                let now = millrace_monotonic_seconds()
                pace.note(idle: idle, asked: asked, heard: now, isAnnounced: try desk.takeAlarm())
                if hear(isRead: true) { tell(.userInput, .idle(milliseconds: idle)) }
                if pace.isWindowDue {
                    let window = try desk.fullScreenWindow()
                    if hear() { tell(.fullScreen, Self.value(window)) }
                }
                try wait(desk, until: pace.nextLook(after: now), &pace, wake)
            }
        } catch {
            return error
        }
    }

    private func open(_ wake: WakePipe) throws(Fault) -> X11Desk {
        do throws(Fault) {
            return try open(display.name ?? "", isWayland: display.isWayland, authority: nil, wake)
        } catch {
            // Whoever stops us does not want to wait for a bus.
            guard !display.isWayland, let bus = display.userBus, !state.withLock({ $0.isStopped }) else { throw error }
            guard let session = try? X11Session(bus: bus), session.isWayland || !session.display.isEmpty else {
                throw error
            }
            return try open(session.display, isWayland: session.isWayland, authority: session.authority, wake)
        }
    }

    private func open(
        _ name: String, isWayland: Bool, authority: String?, _ wake: WakePipe
    ) throws(Fault) -> X11Desk {
        guard !isWayland else {
            throw Fault(.unreachable, "this is a Wayland session, whose input X11 does not see")
        }
        // For XCB an empty name is that of the environment.
        guard !name.isEmpty else { throw Fault(.unreachable, "there is no X11 display (DISPLAY is not set)") }
        let cookie = authority.flatMap { X11Cookie.read(file: $0, display: name) }
        let connection = try X11Connection(display: name, cookie: cookie, answerSeconds: answerSeconds) {
            [self] (file, events, until) throws(Fault) in try rest(file, events, until, wake)
        }
        return try X11Desk(connection)
    }

    /// Sleeps until it is time, the user is back, the server is gone, or the pace changes.
    private func wait(_ desk: X11Desk, until end: Double, _ pace: inout X11Pace, _ wake: WakePipe) throws(Fault) {
        while true {
            let isComputing = state.withLock { $0.isComputing }
            guard pace.isComputing == isComputing else { return pace.change(isComputing: isComputing) }
            // What came with the last answer is no longer at the descriptor.
            if pace.isWatching, try desk.sawAlarm() { return }
            guard millrace_monotonic_seconds() < end else { return }
            let seen = try rest(desk.file, pace.isWatching ? POLLIN : 0, end, wake)
            if Int32(seen) & ~POLLIN != 0 { return }
        }
    }

    /// See `X11Connection.Rest`; also ends when `wake` rings.
    private func rest(_ file: Int32, _ events: Int32, _ until: Double, _ wake: WakePipe) throws(Fault) -> Int16 {
        guard !state.withLock({ $0.isStopped }) else { throw Fault(.interrupted, "stopped") }
        var ends = [
            pollfd(fd: wake.readable, events: Int16(POLLIN), revents: 0),
            pollfd(fd: file, events: Int16(events), revents: 0),
        ]
        let left = max(0, min(until - millrace_monotonic_seconds(), 3600))
        let count = poll(&ends, 2, Int32(left * 1000) + 1)
        guard count > 0 else {
            // A system that is short of memory is no reason to turn round and round.
            if count < 0, errno != EINTR { usleep(100_000) }
            return 0
        }
        if ends[0].revents != 0 { _ = wake.take() }
        guard !state.withLock({ $0.isStopped }) else { throw Fault(.interrupted, "stopped") }
        return ends[1].revents
    }

    private static func value(_ window: X11Desk.FullScreen) -> ProbeReading.Value {
        switch window {
        case .none: .fullScreen(nil)
        case .window(let name): .fullScreen(name)
        case .unknown: .unavailable("there is no window manager that tells (EWMH)")
        }
    }
}
