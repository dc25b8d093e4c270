import CPosix
import Domain
import Glibc

/// A connection to a D-Bus daemon, for asking others. Every call has a time limit, so a bus that hangs costs no thread.
///
/// After a fault the connection is of no more use.
package final class BusConnection {
    /// Readable when a signal has come.
    package let file: Int32
    private var received: [UInt8] = []
    private var serial: UInt32 = 0
    private let limitSeconds: Double
    private static let signalBytesMax = 1 << 20

    /// Connects and introduces itself.
    ///
    /// - Parameter limitSeconds: for this, and for every call.
    /// - Throws: `.unreachable`, `.refused`, `.interrupted`, `.protocolError`.
    package init(socket path: String, limitSeconds: Double) throws(Fault) {
        self.limitSeconds = limitSeconds
        file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
        guard file >= 0 else { throw Fault(.osError, "no socket: \(String(cString: strerror(errno)))") }
        try connect(path)
        let end = millrace_monotonic_seconds() + limitSeconds
        // The daemon compares the number with what the kernel says of the other end of the socket.
        let uid = String(getuid()).utf8.map { "3" + String(UnicodeScalar($0)) }.joined()
        try send(Array("\0AUTH EXTERNAL \(uid)\r\n".utf8), until: end)
        let answer = try line(until: end)
        guard answer.hasPrefix("OK ") else { throw Fault(.refused, "\(path) refuses us: \(answer.prefix(80))") }
        try send(Array("BEGIN\r\n".utf8), until: end)
        _ = try call(BusCall(Self.bus, "/org/freedesktop/DBus", Self.bus, "Hello"))
    }

    deinit { if file >= 0 { close(file) } }

    package static let bus = "org.freedesktop.DBus"
    private static let absences = ["\(bus).Error.ServiceUnknown", "\(bus).Error.NameHasNoOwner"]

    /// Asks, and waits for the answer.
    ///
    /// - Returns: the values of the answer.
    /// - Throws: `.negative` when the other side answers with an error, with its name; `.unreachable` when it is not
    ///   there.
    package func call(_ call: BusCall) throws(Fault) -> [BusValue] {
        let end = millrace_monotonic_seconds() + limitSeconds
        serial += 1
        try send(call.encoded(serial: serial), until: end)
        while true {
            let message = try next(until: end)
            switch message.kind {
            case .reply(let number) where number == serial: return message.body
            case .error(let number, let name) where number == serial:
                guard !Self.absences.contains(name) else {
                    throw Fault(.unreachable, "\(call.destination) does not run")
                }
                throw Fault(.negative, "\(call.destination): \(PrintableText.clean(String(name.prefix(120))))")
            default: continue
            }
        }
    }

    /// All properties of one interface of an object.
    package func properties(_ destination: String, _ path: String, _ interface: String) throws(Fault)
        -> [String: BusValue]
    {
        try call(BusCall(destination, path, "\(Self.bus).Properties", "GetAll", [interface])).first?.properties ?? [:]
    }

    /// Has signals sent to us that fit the rule.
    package func subscribe(_ rule: String) throws(Fault) {
        _ = try call(BusCall(Self.bus, "/org/freedesktop/DBus", Self.bus, "AddMatch", [rule]))
    }

    /// Drops signals that have come: that they came is all that they say to us.
    package func takeSignals() throws(Fault) {
        while try hasMore() {
            guard received.count < Self.signalBytesMax else { throw Fault(.protocolError, "D-Bus: a flood of signals") }
        }
        var taken = 0
        while received.count - taken >= BusMessage.prefixBytes {
            let prefix = Array(received[taken..<(taken + BusMessage.prefixBytes)])
            let length = try BusMessage.length(prefix: prefix)
            guard received.count - taken >= length else { break }
            taken += length
        }
        received.removeFirst(taken)
    }

    // MARK: Bytes

    private func connect(_ path: String) throws(Fault) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Fault(.configuration, "\(path) is too long for a socket's path")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            throw Fault(.unreachable, "there is no D-Bus at \(path): \(String(cString: strerror(errno)))")
        }
    }

    private func send(_ bytes: [UInt8], until end: Double) throws(Fault) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(file, $0.baseAddress! + at, bytes.count - at, Int32(MSG_NOSIGNAL))
            }
            if count > 0 { at += count } else { try wait(for: POLLOUT, until: end) }
        }
    }

    private func line(until end: Double) throws(Fault) -> String {
        while true {
            if let at = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<at].filter { $0 >= 32 }, as: UTF8.self)
                received.removeFirst(at + 1)
                return line
            }
            guard received.count < 4096 else { throw Fault(.protocolError, "D-Bus: a line without an end") }
            if try !hasMore() { try wait(for: POLLIN, until: end) }
        }
    }

    private func next(until end: Double) throws(Fault) -> BusMessage {
        while true {
            if received.count >= BusMessage.prefixBytes {
                let length = try BusMessage.length(prefix: Array(received[..<BusMessage.prefixBytes]))
                if received.count >= length {
                    let message = try BusMessage(Array(received[..<length]))
                    received.removeFirst(length)
                    return message
                }
            }
            if try !hasMore() { try wait(for: POLLIN, until: end) }
        }
    }

    /// Takes one piece of what has come. - Returns: whether there was anything.
    private func hasMore() throws(Fault) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(file, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        guard count != 0 else { throw Fault(.interrupted, "D-Bus has closed the connection") }
        if count < 0 && errno != EAGAIN && errno != EINTR {
            throw Fault(.interrupted, "D-Bus: \(String(cString: strerror(errno)))")
        }
        return count > 0
    }

    private func wait(for events: Int32, until end: Double) throws(Fault) {
        let left = end - millrace_monotonic_seconds()
        guard left > 0 else {
            throw Fault(.interrupted, "D-Bus did not answer for \(tenths(limitSeconds)) s")
        }
        var ends = pollfd(fd: file, events: Int16(events), revents: 0)
        _ = poll(&ends, 1, Int32(left * 1000) + 1)
    }

    private func tenths(_ seconds: Double) -> String { String(Double(Int(seconds * 10)) / 10) }
}
