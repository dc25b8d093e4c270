import Foundation
import Glibc

/// A port that nobody listens on, and that nobody else can get meanwhile.
final class DeafPort: Sendable {
    let port: UInt16
    private let socket: Int32

    init() throws {
        (socket, port) = try DeafPort.bound()
    }

    deinit { close(socket) }

    /// A socket bound to a loopback port of the kernel's choice.
    static func bound() throws -> (socket: Int32, port: UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard socket >= 0, isBound else {
            close(socket)
            throw POSIXError(.EADDRNOTAVAIL)
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }
}
