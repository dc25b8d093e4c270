import CPosix
import Glibc
import WorkerHost

extension ProbeCommand {
    static let networkProbes: [String: @Sendable (EscapeScene) -> EscapeFinding] = [
        "ipv4": { connect(family: 2, kind: 1, address4(port: $0.tcp4)) },
        "ipv6": { scene in
            guard scene.tcp6 != 0 else { return EscapeFinding(.absent, "no IPv6 on this computer") }
            return connect(family: 10, kind: 1, address6(port: scene.tcp6))
        },
        "udp": { scene in
            let udp = socket(2, 2, 0)
            guard udp >= 0 else { return .of("socket", udp) }
            let address = address4(port: scene.udp)
            return .of(
                "sendto",
                address.withUnsafeBytes { bytes in
                    sendto(udp, "x", 1, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), 16)
                })
        },
        "unix-socket": { connect(family: 1, kind: 1, addressUnix($0.socket, isAbstract: false)) },
        "abstract-socket": { connect(family: 1, kind: 1, addressUnix($0.abstractName, isAbstract: true)) },
        "x11-socket": { connect(family: 1, kind: 1, addressUnix($0.displayName, isAbstract: true)) },
        // Families and kinds by their numbers of linux/socket.h: netlink 16, packet 17, vsock 40; raw 3.
        "netlink-socket": { _ in .of("socket", socket(16, 3, 0)) },
        "raw-socket": { _ in .of("socket", socket(2, 3, 1)) },
        "packet-socket": { _ in .of("socket", socket(17, 3, 0)) },
        "vsock": { _ in .of("socket", socket(40, 1, 0)) },
    ]

    private static func connect(family: Int32, kind: Int32, _ address: [UInt8]) -> EscapeFinding {
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return .of("socket", descriptor) }
        return .of(
            "connect",
            address.withUnsafeBytes { bytes in
                Glibc.connect(
                    descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            })
    }

    /// Addresses as the kernel has them: family in the machine's order, port in the network's.
    private static func address4(port: UInt16) -> [UInt8] {
        [2, 0, UInt8(port >> 8), UInt8(port & 255), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    }

    private static func address6(port: UInt16) -> [UInt8] {
        [10, 0, UInt8(port >> 8), UInt8(port & 255)] + [UInt8](repeating: 0, count: 19) + [1]
            + [UInt8](repeating: 0, count: 4)
    }

    private static func addressUnix(_ name: String, isAbstract: Bool) -> [UInt8] {
        [1, 0] + (isAbstract ? [0] : []) + Array(name.utf8) + (isAbstract ? [] : [0])
    }
}
