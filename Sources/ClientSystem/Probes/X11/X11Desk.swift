import CXcb
import Domain

/// Asks an X server how long nobody has touched it, and whether a window fills the screen.
///
/// Everything here may take as long as `X11Connection` waits, and throws what it throws.
final class X11Desk {
    enum FullScreen {
        case none
        /// The class of the window, or its title.
        case window(String)
        case unknown
    }

    private static let nameBytesMax: UInt32 = 120
    private static let statesMax: UInt32 = 64
    private static let anyType: xcb_atom_t = 0

    private let connection: X11Connection
    private let atoms: Atoms
    /// The type of an alarm's event; 0 without one.
    private let alarmEvent: Int32
    /// An alarm has come that nobody has asked for yet.
    private var isAlarmSeen = false

    private struct Atoms {
        let check, active, state, fullScreen, name: xcb_atom_t

        init(_ connection: X11Connection) throws(Fault) {
            let ask = { (name: String) in
                xcb_intern_atom(connection.raw, 0, UInt16(name.utf8.count), name).sequence
            }
            let asked = (
                ask("_NET_SUPPORTING_WM_CHECK"), ask("_NET_ACTIVE_WINDOW"), ask("_NET_WM_STATE"),
                ask("_NET_WM_STATE_FULLSCREEN"), ask("_NET_WM_NAME")
            )
            let atom = { (request: UInt32) throws(Fault) in try connection.answer(request)?.quarter(8) ?? 0 }
            check = try atom(asked.0)
            active = try atom(asked.1)
            state = try atom(asked.2)
            fullScreen = try atom(asked.3)
            name = try atom(asked.4)
        }
    }

    /// - Throws: `.unreachable` when the server cannot tell the idle time, too.
    init(_ connection: X11Connection) throws(Fault) {
        self.connection = connection
        millrace_xcb_ask_for_extensions(connection.raw)
        // The server answers in order: when the atoms are there, the extensions are.
        atoms = try Atoms(connection)
        guard millrace_xcb_has_screen_saver(connection.raw) != 0 else {
            throw Fault(.unreachable, "the X server does not have the screen saver extension")
        }
        alarmEvent = try Self.setAlarm(connection)
    }

    var hasAlarm: Bool { alarmEvent != 0 }
    var file: Int32 { connection.file }

    /// Milliseconds.
    ///
    /// - Throws: `.unreachable` when the server answers with an error, too.
    func idleMilliseconds() throws(Fault) -> Int64 {
        guard let answer = try connection.answer(xcb_screensaver_query_info(connection.raw, connection.root).sequence)
        else { throw Fault(.unreachable, "the X server does not tell its idle time") }
        return Int64(answer.quarter(16))
    }

    // MARK: The alarm

    /// Has the server send an event whenever its counter of idle milliseconds falls from above to
    /// `X11Pace.alarmMilliseconds` or below: somebody is back.
    ///
    /// - Returns: the type of the event; 0 when the server has no such counter.
    private static func setAlarm(_ connection: X11Connection) throws(Fault) -> Int32 {
        let event = millrace_xcb_alarm_event(connection.raw)
        guard event != 0, try connection.answer(xcb_sync_initialize(connection.raw, 3, 0).sequence) != nil,
            let counters = try connection.answer(xcb_sync_list_system_counters(connection.raw).sequence)
        else { return 0 }
        let counter = idleCounter(in: counters)
        guard counter != 0 else { return 0 }
        var wish = xcb_sync_create_alarm_value_list_t()
        wish.counter = counter
        wish.valueType = XCB_SYNC_VALUETYPE_ABSOLUTE.rawValue
        wish.value = xcb_sync_int64_t(hi: 0, lo: UInt32(X11Pace.alarmMilliseconds))
        wish.testType = XCB_SYNC_TESTTYPE_NEGATIVE_TRANSITION.rawValue
        // It stays set, instead of going off once.
        wish.delta = xcb_sync_int64_t(hi: 0, lo: 0)
        wish.events = 1
        let given =
            XCB_SYNC_CA_COUNTER.rawValue | XCB_SYNC_CA_VALUE_TYPE.rawValue | XCB_SYNC_CA_VALUE.rawValue
            | XCB_SYNC_CA_TEST_TYPE.rawValue | XCB_SYNC_CA_DELTA.rawValue | XCB_SYNC_CA_EVENTS.rawValue
        _ = xcb_sync_create_alarm_aux(connection.raw, xcb_generate_id(connection.raw), given, &wish)
        return event
    }

    /// By hand, because XCB believes the lengths in the answer: each counter is its number, 8 bytes of resolution, the
    /// length of its name, the name, and zeros up to a multiple of four bytes.
    static func idleCounter(in answer: X11Connection.Answer) -> xcb_sync_counter_t {
        var at = X11Connection.Answer.headBytes
        while at + 14 <= answer.bytes.count {
            let end = at + 14 + Int(answer.half(at + 12))
            guard end <= answer.bytes.count else { return 0 }
            if answer.bytes[(at + 14)..<end].elementsEqual("IDLETIME".utf8) { return answer.quarter(at) }
            at = (end + 3) & ~3
        }
        return 0
    }

    /// Whether the server has announced the user's return since `takeAlarm`; waits for nothing.
    func sawAlarm() throws(Fault) -> Bool {
        // Other events are taken as well, so that they do not pile up.
        let isNew = try connection.takeEvents(ofType: alarmEvent)
        if isNew, hasAlarm { isAlarmSeen = true }
        return isAlarmSeen
    }

    /// The same, and forgets it.
    func takeAlarm() throws(Fault) -> Bool {
        defer { isAlarmSeen = false }
        return try sawAlarm()
    }

    // MARK: Windows

    /// Whether the window that the user works with fills the screen, by the window manager (EWMH 1.5).
    func fullScreenWindow() throws(Fault) -> FullScreen {
        // A window manager that has gone leaves its mark on the root window, but its own window is gone.
        guard let manager = try window(of: connection.root, atoms.check),
            try window(of: manager, atoms.check) == manager
        else { return .unknown }
        guard let active = try window(of: connection.root, atoms.active), active != 0 else { return .none }
        let states = try numbers(of: active, atoms.state, count: Self.statesMax)
        guard states.contains(atoms.fullScreen) else { return .none }
        // Two names, each with a zero at its end; the second is the class.
        var name = try text(of: active, XCB_ATOM_WM_CLASS.rawValue).split(separator: 0).last.map(Array.init) ?? []
        if name.isEmpty { name = try text(of: active, atoms.name) }
        let words = PrintableText.clean(String(decoding: name, as: UTF8.self))
        return .window(words.isEmpty ? "a window" : words)
    }

    private func window(of window: xcb_window_t, _ property: xcb_atom_t) throws(Fault) -> xcb_window_t? {
        try numbers(of: window, property, count: 1).first
    }

    private func numbers(of window: xcb_window_t, _ property: xcb_atom_t, count: UInt32) throws(Fault) -> [UInt32] {
        guard let answer = try self.property(of: window, property, format: 32, quarters: count) else { return [] }
        let items = min(Int(answer.quarter(16)), (answer.bytes.count - X11Connection.Answer.headBytes) / 4)
        return (0..<items).map { answer.quarter(X11Connection.Answer.headBytes + 4 * $0) }
    }

    private func text(of window: xcb_window_t, _ property: xcb_atom_t) throws(Fault) -> [UInt8] {
        let answer = try self.property(of: window, property, format: 8, quarters: Self.nameBytesMax / 4)
        guard let answer else { return [] }
        return Array(answer.bytes.dropFirst(X11Connection.Answer.headBytes).prefix(Int(answer.quarter(16))))
    }

    /// - Parameter quarters: how many times four bytes are taken at most.
    private func property(
        of window: xcb_window_t, _ property: xcb_atom_t, format: UInt8, quarters: UInt32
    ) throws(Fault) -> X11Connection.Answer? {
        let request = xcb_get_property(connection.raw, 0, window, property, Self.anyType, 0, quarters)
        guard let answer = try connection.answer(request.sequence), answer.bytes[1] == format else { return nil }
        return answer
    }
}
