import Bytes
import Domain
import Foundation
import Glibc
import SwiftProtobuf
import Wire

/// One connection that is kept, on a thread that may block.
final class KeptConnection {
    struct Reply {
        var status: Int
        var fields: [String: String]
        var body: [UInt8]
    }

    /// The other side closed, or was not there, before a byte of the answer came: nothing was promised.
    struct Closed: Error {}
    /// It closed in the middle of an answer.
    struct BrokenOff: Error { var after: String }

    private let socket: Int32

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(socket)
            throw Closed()
        }
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    func exchange(_ method: String, _ path: String, _ fields: [String: String] = [:], _ body: [UInt8] = []) throws
        -> Reply
    {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + body
        guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { throw Closed() }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let reply = try Self.parse(received) { return reply }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else {
                if received.isEmpty { throw Closed() }
                throw BrokenOff(after: String(decoding: received.prefix(300), as: UTF8.self))
            }
            received += buffer[..<count]
        }
    }

    /// - Returns: nil while the answer is not whole.
    private static func parse(_ bytes: [UInt8]) throws -> Reply? {
        let text = String(decoding: bytes.prefix(8192), as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = text[..<end.lowerBound]
        let lines = head.components(separatedBy: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let words = lines[0].split(separator: " ")
        let start = head.utf8.count + 4
        guard let length = Int(fields["content-length"] ?? "0"), bytes.count >= start + length else { return nil }
        return Reply(status: Int(words[1]) ?? 0, fields: fields, body: Array(bytes[start..<start + length]))
    }
}

/// A host that takes tasks and reports rubbish for them, as fast as it is answered.
final class LoadHost {
    private let port: Int
    private let key = SigningKey()
    private var host: UInt64 = 0
    private var sequence: Int64 = 0
    private var connection: KeptConnection?
    /// Reports for which there is a receipt.
    private(set) var acknowledged: [UInt64] = []
    private(set) var calls = 0

    init(port: Int, name: String) throws {
        self.port = port
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = name
        request.profile = Self.profile
        let reply = try post("/v1/register", try request.serializedBytes(), signedAs: nil)
        host = try WireRegisterReply(serializedBytes: reply.body).hostID
    }

    private static let profile: WireHostProfileMessage = {
        var profile = WireHostProfileMessage()
        profile.name = "load"
        profile.platform = "x86_64-linux"
        profile.cores = 8
        profile.memoryBytes = 64 << 30
        profile.diskFreeBytes = 100 << 30
        profile.benchmarkFlopsPerSecond = 1e11
        return profile
    }()

    private func post(_ path: String, _ body: [UInt8], signedAs host: UInt64?) throws -> KeptConnection.Reply {
        let connection = try self.connection ?? KeptConnection(port: port)
        self.connection = nil
        if host != nil { sequence += 1 }
        let number = host == nil ? 0 : sequence
        let signed = RequestSignature.message(method: "POST", path: path, sequence: number, body: body)
        var fields = [
            "Content-Type": "application/x-protobuf", RequestSignature.sequenceHeader: "\(number)",
            RequestSignature.signatureHeader: Hex.encode(key.sign(signed)),
        ]
        if let host { fields[RequestSignature.hostHeader] = "\(host)" }
        let reply = try connection.exchange("POST", path, fields, body)
        if reply.fields["connection"] != "close" { self.connection = connection }
        return reply
    }

    /// - Throws: `KeptConnection.Closed` when the server is gone, `BrokenOff` when it left in the middle.
    func work(while goesOn: () -> Bool) throws {
        var held: [UInt64] = []
        while goesOn() {
            let reply = try call(reporting: held, want: 4)
            calls += 1
            guard let reply else { continue }
            let receipts = try WireReceipts(serializedBytes: [UInt8](reply.receipts)).receipts
            acknowledged += receipts.filter { $0.status == .receiptAccepted }.map(\.taskID)
            held = reply.tasks.map(\.taskID)
        }
    }

    /// What the server says of reports that it had acknowledged.
    func again(_ tasks: [UInt64]) throws -> [WireReceiptStatus] {
        guard let reply = try call(reporting: tasks, want: 0) else { return [] }
        return try WireReceipts(serializedBytes: [UInt8](reply.receipts)).receipts.map(\.status)
    }

    /// - Returns: nil when the server asked to wait.
    private func call(reporting tasks: [UInt64], want: UInt32) throws -> WireSchedulerReply? {
        var request = WireSchedulerRequest()
        request.profile = Self.profile
        request.apps = ["gamma-pulsar/1"]
        request.wantTasks = want
        request.wantSeconds = 1e6
        request.reports = tasks.map { task in
            let bytes = Array("rubbish \(task)".utf8)
            var report = WireTaskReportMessage()
            report.taskID = task
            report.success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
            report.success.resultBytes = UInt64(bytes.count)
            report.success.resultInline = Data(bytes)
            report.success.cpuSeconds = 1
            report.success.wallSeconds = 1
            return report
        }
        let reply = try post("/v1/scheduler", try request.serializedBytes(), signedAs: host)
        guard reply.status == 200 else { return nil }
        return try WireSchedulerReply(serializedBytes: reply.body)
    }
}
