import CPosix
import ClientCore
import Glibc

/// The other end of `X11IdleProbe`: asks the X server how long nobody has touched it and whether a window fills the
/// screen, and prints that line by line.
///
/// It is a process of its own because Xlib ends the process when the X server goes away (`XSetIOErrorHandler` cannot
/// prevent that), and waits for ever for one that hangs; the client must do neither.
///
/// Where the server has the SYNC extension, the child sleeps until the server announces the user's return, and between
/// looks that show that the server answers. Else it looks often while tasks run.
public enum X11IdleChild {
    /// Prints `idle MILLISECONDS` and `window none`, `window full NAME` or `window unavailable REASON` until standard
    /// input ends, or one line `unavailable REASON`. A line `computing` or `paused` there changes the pace.
    ///
    /// - Returns: the exit code.
    public static func run() -> Int32 {
        if getenv("WAYLAND_DISPLAY") != nil {
            // XWayland sees only what goes to X11 windows, so its idle time would be too long.
            return unavailable("this is a Wayland session, whose input X11 does not see")
        }
        guard let name = getenv("DISPLAY") else { return unavailable("there is no X11 display (DISPLAY is not set)") }
        guard let desk = X11Desk() else {
            return unavailable("the X11 display \(String(cString: name)) cannot be opened")
        }
        guard desk.tellsIdleTime else { return unavailable("the X server does not have the screen saver extension") }
        return follow(desk)
    }

    private static func follow(_ desk: X11Desk) -> Int32 {
        var pace = X11Pace(isAlarmTrusted: desk.hasAlarm)
        var (isWanted, isFirst) = (true, true)
        while isWanted {
            guard let idle = desk.idleMilliseconds() else { return unavailable("the X server does not answer") }
            let now = millrace_monotonic_seconds()
            pace.note(idle: idle, at: now, isAnnounced: desk.takeAlarm())
            var text = "idle \(idle)\n"
            if pace.isWindowDue { text += "window \(words(desk.fullScreenWindow()))\n" }
            guard write(text) else { return 0 }
            if isFirst { MemoryTrim.trim() }
            isFirst = false
            isWanted = wait(desk, until: pace.nextLook(after: now), &pace)
        }
        return 0
    }

    /// Sleeps until it is time, the user is back, or the pace changes.
    ///
    /// - Returns: false when standard input has ended.
    private static func wait(_ desk: X11Desk, until end: Double, _ pace: inout X11Pace) -> Bool {
        while true {
            if pace.isWatching, desk.sawAlarm() { return true }
            let left = end - millrace_monotonic_seconds()
            guard left > 0 else { return true }
            var ends = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pace.isWatching ? desk.connection : -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&ends, 2, Int32(left * 1000) + 1)
            if count < 0 && errno != EINTR { return false }
            guard count > 0, ends[0].revents != 0 else { continue }
            guard takeCommands(&pace) else { return false }
            return true
        }
    }

    /// - Returns: false at the end of the input.
    private static func takeCommands(_ pace: inout X11Pace) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(0, &buffer, buffer.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") {
            switch line {
            case "computing": pace.change(isComputing: true)
            case "paused": pace.change(isComputing: false)
            default: break
            }
        }
        return true
    }

    private static func words(_ window: X11Desk.FullScreen) -> String {
        switch window {
        case .none: "none"
        case .window(let name): "full \(name)"
        case .unknown: "unavailable there is no window manager that tells (EWMH)"
        }
    }

    private static func unavailable(_ why: String) -> Int32 {
        _ = write("unavailable \(why)\n")
        return 69
    }

    private static func write(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.write(1, bytes, bytes.count) == bytes.count
    }
}
