import CPosix
import CXss
import Glibc

/// The other end of `X11IdleProbe`: asks the X server how long nobody has touched it, and prints that line by line.
///
/// It is a process of its own because Xlib ends the process when the X server goes away (`XSetIOErrorHandler` cannot
/// prevent that); the client must not end with it.
public enum X11IdleChild {
    static let periodMilliseconds: Int32 = 500

    /// Prints `idle MILLISECONDS` twice a second until standard input ends, or one line `unavailable REASON`.
    ///
    /// - Returns: the exit code.
    public static func run() -> Int32 {
        if getenv("WAYLAND_DISPLAY") != nil {
            // XWayland sees only what goes to X11 windows, so its idle time would be too long.
            return unavailable("this is a Wayland session, whose input X11 does not see")
        }
        guard getenv("DISPLAY") != nil else { return unavailable("there is no X11 display (DISPLAY is not set)") }
        guard let display = XOpenDisplay(nil) else {
            return unavailable("the X11 display \(String(cString: getenv("DISPLAY"))) cannot be opened")
        }
        var event: Int32 = 0
        var error: Int32 = 0
        guard XScreenSaverQueryExtension(display, &event, &error) != 0, let info = XScreenSaverAllocInfo() else {
            return unavailable("the X server does not have the screen saver extension")
        }
        var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        repeat {
            guard XScreenSaverQueryInfo(display, XDefaultRootWindow(display), info) != 0 else {
                return unavailable("the X server does not answer")
            }
            guard printLine("idle \(info.pointee.idle)") else { return 0 }
        } while poll(&input, 1, periodMilliseconds) == 0
        return 0
    }

    private static func unavailable(_ why: String) -> Int32 {
        _ = printLine("unavailable \(why)")
        return 69
    }

    private static func printLine(_ line: String) -> Bool {
        let bytes = Array((line + "\n").utf8)
        return write(1, bytes, bytes.count) == bytes.count
    }
}
