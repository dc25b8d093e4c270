import CPosix
import Domain
import Glibc
import Synchronization
import WorkerHost

/// An HTTP/1.1 server of a few lines on a port of the kernel's choice, that can misbehave in any way a test wants.
final class TinyServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]
    }

    enum Answer: Sendable {
        case respond(Int, headers: [String: String] = [:], body: [UInt8] = [])
        /// These bytes as they are, then the end of the connection.
        case raw([UInt8])
        /// Nothing, for ever: the connection stays open.
        case silence
        /// A head that promises `length` bytes, then fewer, then the end.
        case dropAfter([UInt8], length: Int)
        /// The answer in pieces of 100 bytes, 20 ms apart, as long as `goesOn`; then the rest at once.
        indirect case trickle(Answer, goesOn: @Sendable () -> Bool)
    }

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let connections = Mutex(0)

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { seen.withLock { $0 } }
    var connectionCount: Int { connections.withLock { $0 } }

    init(_ handler: @escaping @Sendable (Request) -> Answer) throws {
        let (descriptor, port) = try DeafPort.bound()
        guard listen(descriptor, 16) == 0 else { throw Fault(.osError, "no port") }
        self.port = port
        listener = descriptor
        BlockingThread.start("tiny-server") { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection < 0 && (errno == EINTR || errno == ECONNABORTED) { continue }
                guard connection >= 0 else {
                    // Shut down by `deinit`. Closed here and not there: its number would soon be another server's, and
                    // this thread would take that one's connections.
                    close(descriptor)
                    return
                }
                guard let self else {
                    close(connection)
                    continue
                }
                self.connections.withLock { $0 += 1 }
                BlockingThread.start("tiny-connection") { [weak self] in
                    Self.serve(connection) { request in
                        self?.seen.withLock { $0.append(request) }
                        return handler(request)
                    }
                    close(connection)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func serve(_ connection: Int32, _ handler: (Request) -> Answer) {
        var buffered: [UInt8] = []
        while let request = read(connection, &buffered) {
            switch handler(request) {
            case .respond(let status, let headers, let body):
                let isHead = request.method == "HEAD"
                write(connection, head(status, headers, length: body.count) + (isHead ? [] : body))
            case .trickle(.respond(let status, let headers, let body), let goesOn):
                write(connection, head(status, headers, length: body.count))
                var rest = body[...]
                while goesOn(), !rest.isEmpty, write(connection, Array(rest.prefix(100))) {
                    rest = rest.dropFirst(100)
                    usleep(20_000)
                }
                write(connection, Array(rest))
            case .trickle: return
            case .raw(let bytes):
                write(connection, bytes)
                return
            case .silence:
                // Until the other side gives up.
                var byte: UInt8 = 0
                while Glibc.read(connection, &byte, 1) > 0 {}
                return
            case .dropAfter(let bytes, let length):
                write(connection, head(200, [:], length: length) + bytes)
                return
            }
        }
    }

    private static func head(_ status: Int, _ headers: [String: String], length: Int) -> [UInt8] {
        var text = "HTTP/1.1 \(status) Status\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if status != 204, headers["Content-Length"] == nil { text += "Content-Length: \(length)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private static func read(_ connection: Int32, _ buffered: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        func more() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var count = Glibc.read(connection, &buffer, buffer.count)
            while count < 0 && errno == EINTR { count = Glibc.read(connection, &buffer, buffer.count) }
            guard count > 0 else { return false }
            buffered += buffer[..<count]
            return true
        }
        var at: Int?
        while true {
            at = buffered.indices.first { buffered[$0...].starts(with: end) }
            if at != nil { break }
            guard more() else { return nil }
        }
        guard let at else { return nil }
        let lines = String(decoding: buffered[..<at], as: UTF8.self).split(separator: "\r\n")
        buffered.removeFirst(at + 4)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while buffered.count < length {
            guard more() else { return nil }
        }
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        defer { buffered.removeFirst(length) }
        return Request(
            method: String(words[0]), path: String(words[1]), headers: headers, body: Array(buffered[..<length]))
    }

    /// - Returns: false when the other side is gone.
    @discardableResult
    private static func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress! + at, bytes.count - at, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            at += count
        }
        return true
    }
}
