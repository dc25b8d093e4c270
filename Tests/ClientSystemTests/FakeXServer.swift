import CPosix
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Speaks as much of X11 as the probe hears, on a display of its own that no other server takes. It has one screen, and
/// serves one client at a time.
final class FakeXServer: Sendable {
    struct Manner: Sendable {
        var idleMilliseconds: UInt32 = 5000
        /// The class of the window that fills the screen.
        var fullScreen: String?
        var hasScreenSaver = true
        /// What it says of its counters; nil: it has no SYNC extension.
        var counters: [UInt8]?
        /// Whoever does not show it is refused; nil: nobody is.
        var cookie: [UInt8]?
        /// It takes requests, and says nothing, until this is true again.
        var isAnswering = true
    }

    private struct State {
        var manner = Manner()
        var connections = 0
        /// Ends of connections that the client has made.
        var ends = 0
        var client: Int32 = -1
        var isDeaf = false
        var isStopped = false
    }

    /// As in DISPLAY.
    let name: String
    private let listener: Int32
    private let state = Mutex(State())
    private static let root: UInt32 = 7
    private static let film: UInt32 = 8
    private static let screenSaver: UInt8 = 140
    private static let sync: UInt8 = 141
    private static let atoms = [
        "_NET_SUPPORTING_WM_CHECK", "_NET_ACTIVE_WINDOW", "_NET_WM_STATE", "_NET_WM_STATE_FULLSCREEN", "_NET_WM_NAME",
    ]

    private static let made = Mutex(0)

    /// - Parameter isServing: whether connections are taken; else `serve` begins that.
    init(isServing: Bool = true, _ manner: Manner = Manner()) throws {
        let place = Self.made.withLock {
            $0 += 1
            return $0
        }
        let number = 1_000_000 + Int(getpid()) * 100 + place
        name = ":\(number)"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        // A name without a file, where XCB looks first.
        let address: [UInt8] = [UInt8(AF_UNIX), 0, 0] + Array("/tmp/.X11-unix/X\(number)".utf8)
        let isBound = address.withUnsafeBytes { bytes in
            bind(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
        guard isBound, listen(listener, 8) == 0 else { throw Fault(.osError, "cannot listen at \(name)") }
        state.withLock { $0.manner = manner }
        if isServing { serve() }
    }

    deinit { close(listener) }

    var connections: Int { state.withLock { $0.connections } }
    var ends: Int { state.withLock { $0.ends } }

    func change(_ change: (inout Manner) -> Void) { state.withLock { change(&$0.manner) } }

    /// Ends the connection, as a server that goes does; new ones are taken.
    func hangUp() { state.withLock { _ = shutdown($0.client, Int32(SHUT_RDWR)) } }

    /// What is written to it is an error from now on, and nothing else shows that.
    func goDeaf() {
        state.withLock {
            $0.isDeaf = true
            shutdown($0.client, Int32(SHUT_RD))
        }
    }

    func stop() {
        state.withLock {
            $0.isStopped = true
            shutdown($0.client, Int32(SHUT_RDWR))
            shutdown(listener, Int32(SHUT_RDWR))
        }
    }

    func serve() {
        BlockingThread.start("fake-x") { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let isWanted = state.withLock {
                    $0.connections += 1
                    $0.client = client
                    return !$0.isStopped
                }
                if isWanted { talk(client) }
                while state.withLock({ $0.isDeaf && !$0.isStopped }) { usleep(10_000) }
                state.withLock {
                    $0.client = -1
                    $0.ends += 1
                    close(client)
                }
            }
        }
    }

    // MARK: One connection

    private func talk(_ client: Int32) {
        guard let head = read(client, 12) else { return }
        let padded = { (at: Int) in (Int(head[at]) + Int(head[at + 1]) * 256 + 3) & ~3 }
        guard let shown = read(client, padded(6) + padded(8)) else { return }
        if let cookie = state.withLock({ $0.manner.cookie }) {
            guard shown == Array("MIT-MAGIC-COOKIE-1".utf8) + [0, 0] + cookie else {
                _ = write(client, [0, 4, 11, 0, 0, 0, 1, 0] + Array("fake".utf8))
                return
            }
        }
        guard write(client, Self.setup) else { return }
        var sequence: UInt16 = 0
        while let head = read(client, 4) {
            sequence &+= 1
            guard let rest = read(client, (Int(head[2]) + Int(head[3]) * 256) * 4 - 4) else { return }
            var manner = state.withLock { $0.manner }
            while !manner.isAnswering {
                usleep(10_000)
                guard !state.withLock({ $0.isStopped }) else { return }
                manner = state.withLock { $0.manner }
            }
            guard var answer = Self.answer(to: head + rest, manner) else { continue }
            (answer[2], answer[3]) = (UInt8(sequence & 255), UInt8(sequence >> 8))
            guard write(client, answer) else { return }
        }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32($1 * 8) }
    }

    /// Release 11.0, numbers for the client, no formats, one screen without depths.
    private static var setup: [UInt8] {
        var screens = [UInt8](repeating: 0, count: 32)
        screens.replaceSubrange(4..<12, with: bytes(1 << 20) + bytes((1 << 20) - 1))
        (screens[18], screens[19], screens[20]) = (255, 255, 1)
        return [1, 0, 11, 0, 0, 0, 18, 0] + screens + bytes(root) + [UInt8](repeating: 0, count: 36)
    }

    /// - Returns: nil when the request has none. The number of the request is left out.
    private static func answer(to request: [UInt8], _ manner: Manner) -> [UInt8]? {
        switch (request[0], request[1]) {
        case (16, _): reply([bytes(UInt32(100 + (atoms.firstIndex(of: text(request)) ?? -1)))])
        case (20, _): property(of: number(request, 4), number(request, 8), manner)
        case (98, _): extensionReply(text(request), manner)
        case (screenSaver, 1): reply([bytes(0), bytes(0), bytes(manner.idleMilliseconds)])
        case (sync, 0): reply([[3, 0, 0, 0]])
        case (sync, 1): reply([bytes(2)], more: manner.counters ?? [])
        case (sync, 8): nil
        // An error of the implementation, with what was asked for.
        default: [0, 17] + [UInt8](repeating: 0, count: 8) + [request[0]] + [UInt8](repeating: 0, count: 21)
        }
    }

    /// The name in a request for an atom or an extension.
    private static func text(_ request: [UInt8]) -> String {
        String(decoding: request.dropFirst(8).prefix(Int(request[4]) + Int(request[5]) * 256), as: UTF8.self)
    }

    private static func reply(format: UInt8 = 0, _ words: [[UInt8]], more: [UInt8] = []) -> [UInt8] {
        let head = [1, format, 0, 0] + bytes(UInt32((more.count + 3) / 4)) + words.flatMap { $0 }
        let padded = more + [UInt8](repeating: 0, count: -more.count & 3)
        return head + [UInt8](repeating: 0, count: 32 - head.count) + padded
    }

    private static func extensionReply(_ name: String, _ manner: Manner) -> [UInt8] {
        switch name {
        case "MIT-SCREEN-SAVER" where manner.hasScreenSaver: reply([[1, screenSaver, 90, 150]])
        case "SYNC" where manner.counters != nil: reply([[1, sync, 95, 155]])
        default: reply([])
        }
    }

    /// The film is its own window manager.
    private static func property(of window: UInt32, _ atom: UInt32, _ manner: Manner) -> [UInt8] {
        let numbers = { (value: UInt32) in
            reply(format: 32, [bytes(6), bytes(0), bytes(1)], more: bytes(value))
        }
        switch (window, atom) {
        case (root, 100), (film, 100), (root, 101): return numbers(film)
        case (film, 102) where manner.fullScreen != nil: return numbers(103)
        case (film, 67):
            let name = Array("film\0\(manner.fullScreen ?? "")\0".utf8)
            return reply(format: 8, [bytes(31), bytes(0), bytes(UInt32(name.count))], more: name)
        default: return reply([])
        }
    }

    private func read(_ client: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let some = bytes.withUnsafeMutableBytes { recv(client, $0.baseAddress?.advanced(by: got), count - got, 0) }
            if some < 0 && errno == EINTR { continue }
            guard some > 0 else { return nil }
            got += some
        }
        return bytes
    }

    private func write(_ client: Int32, _ bytes: [UInt8]) -> Bool {
        send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }
}
