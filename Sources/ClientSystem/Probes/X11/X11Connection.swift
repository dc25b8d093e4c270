import CPosix
import CXcb
import Domain
import Glibc

/// A connection to an X server by XCB, which never ends the process. Used by one thread.
///
/// Opening it may take for ever. No wait for an answer is longer than `answerSeconds`, but one: of an answer that has
/// begun to come, XCB waits for the rest.
final class X11Connection {
    /// Sleeps until `until`, by the monotonic clock, or until one of `events` is seen at the descriptor.
    ///
    /// - Returns: what is seen there.
    /// - Throws: when the connection is no longer wanted.
    typealias Rest = (_ descriptor: Int32, _ events: Int32, _ until: Double) throws(Fault) -> Int16

    /// What the server answered, in the byte order of this machine.
    struct Answer {
        /// The head of 32 bytes first.
        let bytes: [UInt8]
        static let headBytes = 32

        /// 0 beyond the end, as for the next.
        func half(_ at: Int) -> UInt16 { number(at) }
        func quarter(_ at: Int) -> UInt32 { number(at) }

        private func number<Number: FixedWidthInteger & BitwiseCopyable>(_ at: Int) -> Number {
            guard at >= 0, at + MemoryLayout<Number>.size <= bytes.count else { return 0 }
            return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: Number.self) }
        }
    }

    /// For requests of XCB.
    let raw: OpaquePointer
    let root: xcb_window_t
    private let answerSeconds: Double
    private let rest: Rest

    /// - Parameter display: as the variable `DISPLAY` names it.
    /// - Parameter cookie: shown to the server; nil: XCB looks for it in the file that `XAUTHORITY` names.
    /// - Throws: `.unreachable` when it cannot be opened.
    init(display: String, cookie: [UInt8]? = nil, answerSeconds: Double, rest: @escaping Rest) throws(Fault) {
        var screen: Int32 = 0
        guard let raw = Self.connect(display, cookie, &screen) else {
            throw Fault(.osError, "there is no memory for XCB")
        }
        guard xcb_connection_has_error(raw) == 0, let root = Self.root(raw, screen) else {
            // What has failed has to be freed as well.
            xcb_disconnect(raw)
            // XCB does not say which it is.
            throw Fault(
                .unreachable,
                "the X11 display \(PrintableText.clean(display)) cannot be opened: there is no server, or it does not "
                    + "let us in (XAUTHORITY)")
        }
        self.raw = raw
        self.root = root
        self.answerSeconds = answerSeconds
        self.rest = rest
        // XCB does so as well, where the system allows; workers must not inherit it.
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    }

    deinit { xcb_disconnect(raw) }

    /// Readable when something has come.
    var file: Int32 { xcb_get_file_descriptor(raw) }

    private static func connect(_ display: String, _ cookie: [UInt8]?, _ screen: inout Int32) -> OpaquePointer? {
        guard let cookie else { return xcb_connect(display, &screen) }
        var (kind, data) = (Array(X11Cookie.kind.utf8), cookie)
        return kind.withUnsafeMutableBytes { kind in
            data.withUnsafeMutableBytes { data in
                var shown = xcb_auth_info_t(
                    namelen: Int32(kind.count), name: kind.baseAddress?.assumingMemoryBound(to: CChar.self),
                    datalen: Int32(data.count), data: data.baseAddress?.assumingMemoryBound(to: CChar.self))
                return xcb_connect_to_display_with_auth_info(display, &shown, &screen)
            }
        }
    }

    private static func root(_ raw: OpaquePointer, _ screen: Int32) -> xcb_window_t? {
        var screens = xcb_setup_roots_iterator(xcb_get_setup(raw))
        for _ in 0..<max(0, screen) where screens.rem > 0 { xcb_screen_next(&screens) }
        return screens.rem > 0 ? screens.data.pointee.root : nil
    }

    /// Waits for the answer to the request of this number.
    ///
    /// - Returns: nil when the server answers with an error, such as one about a window that has just been closed.
    /// - Throws: `.unreachable` when the server has gone, or did not answer in time; what `rest` throws.
    func answer(_ request: UInt32) throws(Fault) -> Answer? {
        let start = millrace_monotonic_seconds()
        guard xcb_flush(raw) > 0 else { throw Self.gone }
        while true {
            var bytes: UnsafeMutableRawPointer?
            var error: UnsafeMutablePointer<xcb_generic_error_t>?
            if xcb_poll_for_reply(raw, request, &bytes, &error) != 0 {
                defer {
                    free(bytes)
                    free(error)
                }
                if let bytes { return Self.copy(bytes) }
                if error != nil { return nil }
            }
            guard xcb_connection_has_error(raw) == 0 else { throw Self.gone }
            let silence = millrace_monotonic_seconds() - start
            guard silence < answerSeconds else {
                throw Fault(.unreachable, "the X server did not answer for \(Int(silence)) s")
            }
            _ = try rest(file, POLLIN, start + answerSeconds)
        }
    }

    /// Every answer has four times as many bytes behind its head as this says; XCB has read as many.
    private static func copy(_ bytes: UnsafeMutableRawPointer) -> Answer {
        let quarters = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        return Answer(bytes: [UInt8](UnsafeRawBufferPointer(start: bytes, count: Answer.headBytes + 4 * quarters)))
    }

    /// Takes all events that have come; waits for nothing.
    ///
    /// - Returns: whether one of this type was among them.
    /// - Throws: `.unreachable` when the server has gone.
    func takeEvents(ofType type: Int32) throws(Fault) -> Bool {
        var isSeen = false
        while let event = xcb_poll_for_event(raw) {
            // The highest bit marks events that other programs have sent; those say nothing about the user.
            if Int32(event.pointee.response_type) == type { isSeen = true }
            free(event)
        }
        guard xcb_connection_has_error(raw) == 0 else { throw Self.gone }
        return isSeen
    }

    private static var gone: Fault { Fault(.unreachable, "the X server has gone") }
}
