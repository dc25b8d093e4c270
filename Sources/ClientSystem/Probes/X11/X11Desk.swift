import CXss
import Domain

/// A connection to an X server. Every question may take for ever, and ends the process when the server is gone.
final class X11Desk {
    enum FullScreen {
        case none
        /// The class of the window, or its title.
        case window(String)
        case unknown
    }

    private static let nameBytesMax = 120
    private static let statesMax = 64
    private let anyType = Atom(AnyPropertyType)

    private let display: OpaquePointer
    private let root: Window
    private let info: UnsafeMutablePointer<XScreenSaverInfo>?
    private var alarmEvent: Int32 = 0
    private let alarm: XSyncAlarm
    /// An alarm has come that nobody has asked for yet.
    private var isAlarmSeen = false

    private struct Atoms {
        let check, active, state, fullScreen, name: Atom

        init(_ display: OpaquePointer) {
            let atom = { (name: String) in XInternAtom(display, name, 0) }
            check = atom("_NET_SUPPORTING_WM_CHECK")
            active = atom("_NET_ACTIVE_WINDOW")
            state = atom("_NET_WM_STATE")
            fullScreen = atom("_NET_WM_STATE_FULLSCREEN")
            name = atom("_NET_WM_NAME")
        }
    }

    private let atoms: Atoms

    /// - Returns: nil when the display of the environment cannot be opened.
    init?() {
        guard let display = XOpenDisplay(nil) else { return nil }
        millrace_ignore_x_errors()
        self.display = display
        root = XDefaultRootWindow(display)
        atoms = Atoms(display)
        var event: Int32 = 0
        var error: Int32 = 0
        info = XScreenSaverQueryExtension(display, &event, &error) != 0 ? XScreenSaverAllocInfo() : nil
        var alarmBase: Int32 = 0
        let counter = millrace_idle_counter(display, &alarmBase)
        alarm = counter == 0 ? 0 : millrace_idle_alarm(display, counter, Int32(X11Pace.alarmMilliseconds))
        alarmEvent = alarmBase + XSyncAlarmNotify
    }

    var tellsIdleTime: Bool { info != nil }
    var hasAlarm: Bool { alarm != 0 }
    var connection: Int32 { XConnectionNumber(display) }

    /// nil: the server does not say.
    func idleMilliseconds() -> Int64? {
        guard let info, XScreenSaverQueryInfo(display, root, info) != 0 else { return nil }
        return Int64(info.pointee.idle)
    }

    /// Whether the server has announced the user's return since `takeAlarm`; waits for nothing.
    func sawAlarm() -> Bool {
        while XPending(display) > 0 {
            var event = XEvent()
            XNextEvent(display, &event)
            if event.type == alarmEvent { isAlarmSeen = true }
        }
        return isAlarmSeen
    }

    /// The same, and forgets it.
    func takeAlarm() -> Bool {
        defer { isAlarmSeen = false }
        return sawAlarm()
    }

    // MARK: Windows

    /// Whether the window that the user works with fills the screen, by the window manager (EWMH 1.5).
    func fullScreenWindow() -> FullScreen {
        // A window manager that has gone leaves its mark on the root window, but its own window is gone.
        guard let manager = window(of: root, atoms.check), window(of: manager, atoms.check) == manager else {
            return .unknown
        }
        guard let active = window(of: root, atoms.active), active != 0 else { return .none }
        let states = longs(of: active, atoms.state, count: Self.statesMax)
        guard states.contains(atoms.fullScreen) else { return .none }
        // Two names, each with a zero at its end; the second is the class.
        let names = text(of: active, millrace_x_class).split(separator: 0)
        let name = names.last.map(Array.init) ?? text(of: active, atoms.name)
        let words = PrintableText.clean(String(decoding: name, as: UTF8.self))
        return .window(words.isEmpty ? "a window" : words)
    }

    private func window(of window: Window, _ property: Atom) -> Window? {
        longs(of: window, property, count: 1).first
    }

    /// Numbers of 32 bits come as `long`.
    private func longs(of window: Window, _ property: Atom, count: Int) -> [UInt] {
        self.property(of: window, property, format: 32, quarters: count) { data, items in
            data.withMemoryRebound(to: UInt.self, capacity: items) {
                Array(UnsafeBufferPointer(start: $0, count: items))
            }
        } ?? []
    }

    private func text(of window: Window, _ property: Atom) -> [UInt8] {
        self.property(of: window, property, format: 8, quarters: Self.nameBytesMax / 4) { data, items in
            Array(UnsafeBufferPointer(start: data, count: items))
        } ?? []
    }

    /// - Parameter quarters: how many times four bytes are taken at most.
    private func property<Result>(
        of window: Window, _ property: Atom, format: Int32, quarters: Int,
        _ body: (UnsafeMutablePointer<UInt8>, Int) -> Result
    ) -> Result? {
        var (foundType, foundFormat, items, left) = (Atom(0), Int32(0), UInt(0), UInt(0))
        var data: UnsafeMutablePointer<UInt8>?
        let status = XGetWindowProperty(
            display, window, property, 0, quarters, 0, anyType, &foundType, &foundFormat, &items, &left, &data)
        defer { if let data { XFree(data) } }
        guard status == 0, foundFormat == format, let data else { return nil }
        return body(data, Int(items))
    }
}
