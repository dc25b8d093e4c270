import CPosix
import Domain
import Glibc

/// A port that nobody listens on, and that nobody else can get meanwhile.
final class DeafPort: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        (descriptor, port) = try DeafPort.bound()
    }

    deinit { close(descriptor) }

    /// A socket bound to a loopback port of the kernel's choice.
    static func bound() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw Fault(.osError, "no port")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}
