import Domain
import Glibc

/// A connection over which one request follows the other: HTTP/1.1, as little of it as a benchmark needs.
final class BenchConnection {
    struct Answer {
        var status: Int
        var body: [UInt8]
    }

    private let socket: Int32
    private static let answerSeconds = 30
    private var buffer: [UInt8] = []
    /// Sent and received so far.
    private(set) var bytes = 0
    /// Of the last answer; 0 when there was none.
    private(set) var status = 0
    /// What the last answer asked for, in seconds.
    private(set) var retryAfter: Double?

    init(port: Int) throws { socket = try Self.open(port: port) }

    /// - Returns: a connected socket, closed by whoever asked for it.
    static func open(port: Int) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard socket >= 0, status == 0 else {
            let reason = String(cString: strerror(errno))
            if socket >= 0 { close(socket) }
            throw Fault(.unreachable, "port \(port): \(reason)")
        }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // A server that never answers must not hold up the measurement.
        var limit = timeval(tv_sec: answerSeconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return socket
    }

    deinit { close(socket) }

    func get(_ path: String) throws -> Answer {
        try request("GET", path, [], [])
    }

    func post(_ path: String, _ fields: [String], _ body: [UInt8]) throws -> Answer {
        try request("POST", path, fields, body)
    }

    func request(_ method: String, _ path: String, _ fields: [String], _ body: [UInt8]) throws -> Answer {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1", "Content-Length: \(body.count)"] + fields
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
        status = 0
        var at = 0
        while at < request.count {
            let count = request[at...].withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Fault(.unreachable, "cannot send: \(String(cString: strerror(errno)))") }
            at += count
        }
        bytes += request.count
        return try answer()
    }

    private func answer() throws -> Answer {
        var head: Int?
        while head == nil {
            head = endOfHead()
            if head == nil { try more() }
        }
        guard let head else { throw Fault(.software, "no head") }
        let lines = String(decoding: buffer[..<head], as: UTF8.self).split(separator: "\r\n")
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        func field(_ name: String) -> Substring? {
            for line in lines {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name { return parts[1].drop { $0 == " " } }
            }
            return nil
        }
        retryAfter = field("retry-after").flatMap { Double($0) }
        let length = field("content-length").flatMap { Int($0) } ?? 0
        while buffer.count < head + 4 + length { try more() }
        let body = Array(buffer[(head + 4)..<(head + 4 + length)])
        buffer.removeFirst(head + 4 + length)
        return Answer(status: status, body: body)
    }

    private func endOfHead() -> Int? {
        guard buffer.count >= 4 else { return nil }
        return (0...(buffer.count - 4)).first { at in
            buffer[at] == 13 && buffer[at + 1] == 10 && buffer[at + 2] == 13 && buffer[at + 3] == 10
        }
    }

    private func more() throws {
        var piece = [UInt8](repeating: 0, count: 16_384)
        let count = read(socket, &piece, piece.count)
        guard count > 0 else {
            let isSilent = count < 0 && errno == EAGAIN
            throw Fault(
                .unreachable,
                isSilent ? "no answer in \(Self.answerSeconds) s" : "the server closed the connection")
        }
        bytes += count
        buffer += piece[..<count]
    }
}
