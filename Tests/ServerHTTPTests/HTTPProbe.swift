import Domain
import Foundation
import Glibc

/// A plain HTTP/1.1 exchange over a socket of its own: what is sent and received is exactly what a test says.
struct HTTPProbe: Sendable {
    struct Answer: Sendable {
        var status: Int
        /// Names in lower case.
        var fields: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Failed: Error { var what: String }

    let port: Int

    /// Sends a request and reads the whole answer, on a thread that may block.
    func send(
        _ method: String, _ path: String, _ fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        let named = Set(fields.keys.map { $0.lowercased() })
        let isSized = named.contains("content-length") || named.contains("transfer-encoding")
        if !isSized && (!body.isEmpty || method == "POST" || method == "PATCH") {
            head += "Content-Length: \(body.count)\r\n"
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + body
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: Swift's tasks and Dispatch share their threads here, and those must not block.
            Thread.detachNewThread {
                continuation.resume(with: Result { try HTTPProbe.exchange(bytes, port, hasBody: method != "HEAD") })
            }
        }
    }

    private static func open(_ port: Int) throws -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(connection)
            throw Failed(what: "connect: \(errno)")
        }
        return connection
    }

    /// A connection that sends some bytes and then nothing more. - Returns: a socket to close; -1 when it failed.
    static func halfOpen(port: Int, _ text: String) -> Int32 {
        guard let connection = try? open(port) else { return -1 }
        let bytes = Array(text.utf8)
        return Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count ? connection : -1
    }

    /// Sends all of it at once and reads answers until the server closes.
    ///
    /// - Parameter closesWriting: nothing more will come from this side, and it says so.
    func conversation(_ bytes: [UInt8], closesWriting: Bool = false) async throws -> [Answer] {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try HTTPProbe.converse(bytes, port, closesWriting) })
            }
        }
    }

    private static func converse(_ bytes: [UInt8], _ port: Int, _ closesWriting: Bool) throws -> [Answer] {
        let connection = try open(port)
        defer { close(connection) }
        var timeout = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        guard Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failed(what: "send: \(errno)")
        }
        if closesWriting { shutdown(connection, Int32(SHUT_WR)) }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count == 0 { break }
            guard count > 0 else { throw Failed(what: "recv: \(errno)") }
            received += buffer[..<count]
        }
        var answers: [Answer] = []
        while let end = headEnd(received) {
            var answer = try parse(Array(received[..<end]))
            let length = Int(answer.fields["content-length"] ?? "0") ?? 0
            answer.body = Array(received[end...].prefix(length))
            received.removeFirst(min(received.count, end + length))
            answers.append(answer)
        }
        return answers
    }

    private static func exchange(_ request: [UInt8], _ port: Int, hasBody: Bool) throws -> Answer {
        let connection = try open(port)
        defer { close(connection) }
        var timeout = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress! + sent, request.count - sent, Int32(MSG_NOSIGNAL))
            }
            // The server may refuse and close before it has read all; what it said is still to be read.
            if count <= 0 { break }
            sent += count
        }
        return try read(connection, hasBody: hasBody)
    }

    private static func read(_ connection: Int32, hasBody: Bool) throws -> Answer {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var answer: Answer?
        while true {
            if answer == nil, let end = headEnd(received) {
                answer = try parse(Array(received[..<end]))
                received.removeFirst(end)
            }
            if let answer {
                let wanted = hasBody ? Int(answer.fields["content-length"] ?? "0") ?? 0 : 0
                if received.count >= wanted {
                    return Answer(status: answer.status, fields: answer.fields, body: Array(received[..<wanted]))
                }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { throw Failed(what: "the connection ended after \(received.count) bytes") }
            received += buffer[..<count]
        }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
    }

    private static func parse(_ head: [UInt8]) throws -> Answer {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw Failed(what: "no status line") }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[line[..<colon].lowercased()] = String(value)
        }
        return Answer(status: status, fields: fields, body: [])
    }
}
