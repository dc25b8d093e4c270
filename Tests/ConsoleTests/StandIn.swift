import Foundation
import Glibc
import Synchronization

/// A small HTTP server on a thread of its own: one connection at a time, one request per connection.
final class StandIn: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]
    }

    enum Answer: Sendable {
        case reply(Int, type: String, [UInt8], headers: [String: String] = [:])
        /// Announces more than it sends, and hangs up.
        case half([UInt8])
        /// Hangs up at once.
        case nothing
    }

    let port: UInt16
    private let socket: Int32
    private let seen = Mutex<[Request]>([])

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { seen.withLock { $0 } }

    init(_ handler: @escaping @Sendable (Request) -> Answer) throws {
        let (socket, port) = try DeafPort.bound()
        guard listen(socket, 16) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        self.socket = socket
        self.port = port
        let thread = Thread { [weak self] in
            while true {
                let client = accept(socket, nil, nil)
                if client < 0 && (errno == EINTR || errno == ECONNABORTED) { continue }
                guard client >= 0 else {
                    // Shut down by `deinit`. Closed here and not there: its number would soon be another server's, and
                    // this thread would take that one's connections.
                    close(socket)
                    return
                }
                self?.serve(client, handler)
                close(client)
            }
        }
        thread.start()
    }

    deinit {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    private func serve(_ client: Int32, _ handler: (Request) -> Answer) {
        guard let request = read(client) else { return }
        seen.withLock { $0.append(request) }
        switch handler(request) {
        case .nothing: break
        case .half(let body): send(client, 200, "application/x-protobuf", body, length: body.count + 1000, [:])
        case .reply(let status, let type, let body, let headers):
            send(client, status, type, request.method == "HEAD" ? [] : body, length: body.count, headers)
        }
        shutdown(client, Int32(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 1024)
        while Glibc.read(client, &rest, rest.count) > 0 {}
    }

    private func read(_ client: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = Self.headEnd(bytes) {
                var request = Self.head(String(decoding: bytes[..<end], as: UTF8.self))
                let length = Int(request.headers["content-length"] ?? "0") ?? 0
                if request.headers["expect"] != nil, bytes.count == end + 4 {
                    write(client, Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
                }
                while bytes.count < end + 4 + length {
                    let count = Glibc.read(client, &buffer, buffer.count)
                    guard count > 0 else { return nil }
                    bytes += buffer[..<count]
                }
                request.body = Array(bytes[(end + 4)...])
                return request
            }
            let count = Glibc.read(client, &buffer, buffer.count)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { Array(bytes[$0..<($0 + 4)]) == mark }
    }

    private static func head(_ text: String) -> Request {
        let lines = text.components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        return Request(method: words[0], path: words[1], headers: headers, body: [])
    }

    private func send(
        _ client: Int32, _ status: Int, _ type: String, _ body: [UInt8], length: Int, _ headers: [String: String]
    ) {
        var head = "HTTP/1.1 \(status) x\r\nContent-Type: \(type)\r\nConnection: close\r\n"
        if status != 204 { head += "Content-Length: \(length)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        write(client, Array((head + "\r\n").utf8) + body)
    }

    private func write(_ client: Int32, _ bytes: [UInt8]) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(client, $0.baseAddress! + at, bytes.count - at, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            at += count
        }
    }
}
