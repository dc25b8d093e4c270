import Foundation
import Glibc
import SwiftProtobuf
import Wire

/// A socket that a test drives byte by byte. Never blocks: whoever waits looks again.
final class RawConnection: @unchecked Sendable {
    // Used by one task at a time.
    private let socket: Int32
    private(set) var received: [UInt8] = []
    /// The other side has closed, or reset, the connection.
    private(set) var isEnded = false
    private(set) var wasReset = false

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
            throw HTTPProbe.Failed(what: "connect: \(errno)")
        }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    deinit { close(socket) }

    /// - Returns: false when the other side takes no more.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// - Returns: how many bytes the other side has taken.
    func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
        max(0, bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) })
    }

    /// Reads what has come.
    func look() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !isEnded {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count > 0 {
                received += buffer[..<count]
            } else if count == 0 {
                isEnded = true
            } else if errno == ECONNRESET {
                isEnded = true
                wasReset = true
            } else {
                return
            }
        }
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// What stands behind the head of the only answer.
    func errorReply() throws -> WireErrorReply {
        guard let end = received.indices.dropFirst(3).first(where: { received[($0 - 3)...$0] == [13, 10, 13, 10] })
        else {
            throw HTTPProbe.Failed(what: "no head: \(text)")
        }
        return try WireErrorReply(serializedBytes: Array(received[(end + 1)...]))
    }
}
